/** Whether a host is the zone or inside it. Both are lower case. */
export function isInZone(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`);
}
