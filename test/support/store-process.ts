import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./store-child.ts', import.meta.url));
/** A user that owns nothing. */
const NOBODY = 65_534;

/** What the child said. */
export interface ChildAnswer {
  readonly ok: boolean;
  readonly pid?: number;
  readonly code?: string;
  readonly message?: string;
}

/** Another process that opens or locks the store of a folder, as a user without rights if that is asked for and we may. */
export async function storeProcess(
  t: { after(fn: () => void): void },
  what: 'open' | 'lock',
  folder: string,
  { asNobody = false } = {},
): Promise<ChildAnswer & { kill(): Promise<void> }> {
  const user = asNobody && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(process.execPath, [CHILD, what, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...user,
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('error', reject);
    child.once('exit', () => setTimeout(() => reject(new Error('the child said nothing')), 1_000).unref());
  });
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { ...(JSON.parse(line) as ChildAnswer), kill };
}
