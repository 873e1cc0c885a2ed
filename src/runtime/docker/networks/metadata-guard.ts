import { execa } from 'execa';

/**
 * Addresses by which machines of clouds are told about themselves, credentials among it: link-local ones, and the one that is not
 * (Alibaba Cloud's).
 */
const METADATA = ['169.254.0.0/16', '100.100.100.200/32'] as const;
/** Traffic that the machine passes on, and traffic for the machine itself. */
const CHAINS = ['DOCKER-USER', 'INPUT'] as const;
const LIMIT_MS = 10_000;

/** Whether containers of a range of addresses can reach the metadata addresses, and if so, why that is. */
export type MetadataState = { readonly isClosed: true } | { readonly isClosed: false; readonly reason: string };

/** Runs `iptables`; gives whether it was fine, and what it said otherwise. */
export type RunIptables = (args: readonly string[]) => Promise<{ readonly ok: boolean; readonly said: string }>;

/** Looks whether the firewall of this machine keeps a range of addresses from the metadata addresses. */
export async function metadataState(range: string, run: RunIptables = runIptables): Promise<MetadataState> {
  for (const rule of rulesFor(range)) {
    const { ok, said } = await run(['-w', '5', '-C', ...rule]);
    if (!ok) return { isClosed: false, reason: said === '' ? 'the firewall has no rule for it' : said };
  }
  return { isClosed: true };
}

/** Has the firewall do so, where we may. Twice is fine. */
export async function closeMetadata(range: string, run: RunIptables = runIptables): Promise<MetadataState> {
  for (const rule of rulesFor(range)) {
    if ((await run(['-w', '5', '-C', ...rule])).ok) continue;
    const [chain = '', ...rest] = rule;
    const { ok, said } = await run(['-w', '5', '-I', chain, '1', ...rest]);
    if (!ok) return { isClosed: false, reason: said };
  }
  return { isClosed: true };
}

/** The commands that close it, for whoever has to do it by hand. */
export function closingCommands(range: string): readonly string[] {
  return rulesFor(range).map(([chain, ...rest]) => `iptables -I ${chain} 1 ${rest.join(' ')}`);
}

function rulesFor(range: string): readonly (readonly string[])[] {
  return CHAINS.flatMap((chain) =>
    METADATA.map((address) => [chain, '-s', range, '-d', address, '-j', 'REJECT'] as const),
  );
}

/** Where it lies on most machines: the PATH of a user seldom leads there. */
const PLACES = ['iptables', '/usr/sbin/iptables', '/sbin/iptables'] as const;

async function runIptables(args: readonly string[]): Promise<{ ok: boolean; said: string }> {
  for (const program of PLACES) {
    const { failed, stderr, code, exitCode } = await execa(program, args, {
      reject: false,
      timeout: LIMIT_MS,
      stdin: 'ignore',
    });
    if (code === 'ENOENT') continue;
    // 1 is its word for a rule that is not there.
    const isMissing = exitCode === 1 && args.includes('-C');
    return { ok: !failed, said: isMissing ? '' : (String(stderr).split('\n')[0] ?? '') };
  }
  return { ok: false, said: 'there is no iptables on this machine' };
}
