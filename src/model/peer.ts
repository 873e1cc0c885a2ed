/** The header in which a gateway says who its peer is: only gateways and the owner reach the status socket, and gateways set it on every request. */
export const PEER_HEADER = 'x-mainspring-peer';

/** Who opened the status socket without a gateway between: only the owner of the data folder can. */
export const OWNER = 'owner';

/** Whether an address is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  const plain = address?.toLowerCase().replace(/^::ffff:/, '') ?? '';
  return plain === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain);
}
