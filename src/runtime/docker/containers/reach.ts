import type { RouteTarget } from '../../../model/routing.ts';
import { LABEL, type Labels } from '../labels.ts';

/** What an engine says of a container, as far as it tells how it is reached. */
export interface Reachable {
  readonly labels: Labels | undefined;
  /** By the name of each network that it is in. */
  readonly networks: Readonly<Record<string, { readonly IPAddress?: string } | undefined>> | undefined;
}

/**
 * Where a container is reached: at the port of loopback that leads to it, or, where Mainspring is itself a container (`self`) of the same engine, at
 * its address in the network of its environment, which Mainspring is in too. Undefined: it was made for the other way.
 */
export function targetOf({ labels, networks }: Reachable, self: string | null): RouteTarget | undefined {
  const { [LABEL.port]: port, [LABEL.appPort]: appPort, [LABEL.network]: network = '' } = labels ?? {};
  const address = networks?.[network]?.IPAddress;
  if (self !== null) {
    if (!appPort || !address) return undefined;
    return { kind: 'http', url: `http://${address}:${appPort}`, external: false };
  }
  return port === undefined
    ? undefined
    : { kind: 'http', url: `http://127.0.0.1:${port}`, external: false, relayed: true };
}
