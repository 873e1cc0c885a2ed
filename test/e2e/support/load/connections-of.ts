import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The ports from which others are connected to a process over IPv4, as the kernel has them (Linux). */
export function peerPortsOf(pid: number): ReadonlySet<number> {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).flatMap((fd) => inodeOf(`/proc/${pid}/fd/${fd}`)));
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
  return new Set(
    rows.flatMap((row) => {
      // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode: see proc(5).
      const fields = row.trim().split(/\s+/);
      return inodes.has(fields[9] ?? '') ? [Number.parseInt(fields[2]?.split(':')[1] ?? '0', 16)] : [];
    }),
  );
}

function inodeOf(path: string): string[] {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(path)) ?? [];
    return inode === undefined ? [] : [inode];
  } catch {
    return [];
  }
}
