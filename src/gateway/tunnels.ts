import type { InstanceId } from '../model/ids.ts';
import type { Tunnel } from './tunnel.ts';

/** The tunnels that are open, by instance, so that they can be ended properly. */
export class Tunnels {
  readonly #open = new Map<InstanceId, Set<Tunnel>>();

  /** How many there are. */
  get size(): number {
    let count = 0;
    for (const tunnels of this.#open.values()) count += tunnels.size;
    return count;
  }

  /** One was opened; what this gives is called when it is over. */
  add(instance: InstanceId, tunnel: Tunnel): () => void {
    const tunnels = this.#open.get(instance) ?? new Set();
    this.#open.set(instance, tunnels.add(tunnel));
    return () => {
      tunnels.delete(tunnel);
      if (tunnels.size === 0 && this.#open.get(instance) === tunnels) this.#open.delete(instance);
    };
  }

  /** Ends those to one instance: WebSockets with a close frame (1001), within two seconds. */
  endInstance(instance: InstanceId): void {
    for (const tunnel of [...(this.#open.get(instance) ?? [])]) tunnel.end();
  }

  /** Cuts what is left. */
  cutAll(): void {
    for (const tunnels of this.#open.values()) for (const tunnel of tunnels) tunnel.cut();
  }

  /** Ends all of them so. */
  endAll(): void {
    for (const instance of [...this.#open.keys()]) this.endInstance(instance);
  }
}
