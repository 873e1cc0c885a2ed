import type { ListenAddress, Settings } from '../model/settings.ts';

/** Says on standard output, in one line each, that everything is up and where. */
export function announceReady(
  listen: readonly ListenAddress[],
  settings: Settings,
  out: { write(text: string): unknown },
): void {
  const addresses = listen.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
  out.write(`ready: listening on ${addresses.join(', ')}\n`);
  const { port } = new URL(settings.publicUrl);
  const suffix = port === '' ? '' : `:${port}`;
  out.write(`apps: ${settings.publicUrl}/   status: http://${settings.status.host}${suffix}/\n`);
}
