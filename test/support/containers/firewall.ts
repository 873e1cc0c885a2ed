import { execa } from 'execa';

/** Rules and chains of the firewall, as `iptables-save` prints them, by the program that knows them. */
export type Rules = ReadonlyMap<string, readonly string[]>;

const families = ['iptables', 'ip6tables'];

/** The rules that there are now; none where the programs are missing or may not read them. */
export async function readRules(): Promise<Rules> {
  const found = families.map(async (family) => {
    const { stdout, failed } = await execa(`${family}-save`, { reject: false });
    return [family, failed ? [] : withTables(stdout)] as const;
  });
  return new Map(await Promise.all(found));
}

/**
 * Removes the rules and chains that have come since `before` and that are one's own, and sets policies back. Rules
 * first: a chain can't go while a rule leads to it.
 */
export async function removeNewRules(before: Rules, isOwn: (line: string) => boolean): Promise<void> {
  for (const [family, lines] of await readRules()) {
    const known = new Set(before.get(family));
    const fresh = lines.filter((line) => !known.has(line));
    for (const args of undo(fresh.filter(isOwn), known)) await execa(family, args, { reject: false });
  }
}

/** The commands that take these lines back. */
export function undo(lines: readonly string[], before: ReadonlySet<string>): string[][] {
  const split = lines.map(words);
  const rules = split.filter(([, kind]) => kind === '-A');
  const chains = split.filter(([, kind, policy]) => kind?.startsWith(':') && policy === '-');
  const policies = split.filter(([, kind, policy]) => kind?.startsWith(':') && policy !== '-');
  return [
    ...rules.map(([table = '', , ...rule]) => ['-w', '-t', table, '-D', ...rule]),
    ...chains.map(([table = '', chain = '']) => ['-w', '-t', table, '-F', chain.slice(1)]),
    ...chains.map(([table = '', chain = '']) => ['-w', '-t', table, '-X', chain.slice(1)]),
    ...policies.flatMap(([table = '', chain = '']) => {
      const old = [...before].find((line) => line.startsWith(`${table} ${chain} `))?.split(' ')[2] ?? 'ACCEPT';
      return [['-w', '-t', table, '-P', chain.slice(1), old]];
    }),
  ];
}

// A comment in a rule stands in quotes.
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

/** Each line with its table before it, without comments and counters: `filter -A FORWARD …`, `nat :DOCKER -`. */
export function withTables(saved: string): string[] {
  let table = '';
  const lines: string[] = [];
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':')) lines.push(`${table} ${line.replace(/ \[\d+:\d+\]$/, '')}`);
    else if (line.startsWith('-A')) lines.push(`${table} ${line}`);
  }
  return lines;
}
