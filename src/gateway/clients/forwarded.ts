/** One hop as an element of `Forwarded` tells it (RFC 7239, 4). */
export interface ForwardedHop {
  /** An IP address without brackets and port; undefined where the element says none, `unknown`, or an obfuscated name. */
  readonly for: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

const MOST_BYTES = 4_096;
const MOST_HOPS = 32;
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\\r\n]|\\[^\r\n])*)")[ \t]*/y;
const SEPARATOR = /[ \t]*([;,])/y;

/**
 * Reads the value of `Forwarded`, the hop nearest to the client first. Undefined when any of it is malformed, or it is longer
 * than anybody needs: then nothing of it may be believed.
 */
export function parseForwarded(value: string): readonly ForwardedHop[] | undefined {
  if (value.length > MOST_BYTES) return undefined;
  const hops: ForwardedHop[] = [];
  let pairs = new Map<string, string>();
  let at = 0;
  const endHop = () => {
    const hop = pairs.size === 0 ? null : hopOf(pairs);
    if (hop !== null && hop !== undefined) hops.push(hop);
    pairs = new Map();
    return hop !== undefined && hops.length <= MOST_HOPS;
  };
  while (at < value.length) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(value);
    if (pair !== null) {
      const name = (pair[1] ?? '').toLowerCase();
      if (pairs.has(name)) return undefined;
      pairs.set(name, pair[2] ?? (pair[3] ?? '').replace(/\\(.)/g, '$1'));
      at = PAIR.lastIndex;
    }
    if (at >= value.length) break;
    SEPARATOR.lastIndex = at;
    const separator = SEPARATOR.exec(value);
    if (separator === null) return value.slice(at).trim() === '' && endHop() ? hops : undefined;
    at = SEPARATOR.lastIndex;
    if (separator[1] === ',' && !endHop()) return undefined;
  }
  return endHop() ? hops : undefined;
}

function hopOf(pairs: ReadonlyMap<string, string>): ForwardedHop | undefined {
  const node = pairs.get('for');
  const address = node === undefined ? undefined : nodeAddress(node);
  if (address === null) return undefined;
  return { for: address, proto: pairs.get('proto'), host: pairs.get('host') };
}

/** The address of a node (RFC 7239, 6); undefined where it has none to tell, null where it is malformed. */
function nodeAddress(node: string): string | undefined | null {
  const parts = /^(?:(\[[0-9a-f:.]+\]|[0-9.]+)|(unknown|_[\w.-]+))(?::(?:\d{1,5}|_[\w.-]+))?$/i.exec(node);
  if (parts === null) return null;
  return parts[1]?.replace(/[[\]]/g, '');
}
