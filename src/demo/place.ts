import { existsSync, statSync } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import { checkReachable } from '../runtime/process/app-user.ts';

/** Apps of a root's demo run as users of their own: any other user stands for them when it is asked what they can reach. */
const ANOTHER_USER = { uid: 65_534, gid: 65_534 };

const ownId = process.geteuid?.() ?? 0;
const appUser = ownId === 0 && process.geteuid !== undefined ? ANOTHER_USER : null;

/** Whether the users that apps run as may enter a folder. */
export async function isReachable(folder: string): Promise<boolean> {
  return checkReachable(folder, appUser).then(
    () => true,
    () => false,
  );
}

/** The folder that holds this program: a checkout, or the installed package. */
export function programFolder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin/mainspring'))) return folder;
  }
  throw new MainspringError('unexpected', `demo: "bin/mainspring" is in no folder above this file`);
}

/** Names the demo's folder, for tests: theirs must not be the one that a person uses. */
const FOLDER_VARIABLE = 'MAINSPRING_INTERNAL_DEMO_FOLDER';

/** The demo's own folder, there from last time or made now: `.demo` in the checkout, else one of this user's in the temp folder. */
export async function standingFolder(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const named = env[FOLDER_VARIABLE];
  if (named !== undefined) return ownFolder(named);
  const program = programFolder();
  const isCheckout = existsSync(join(program, 'scripts/bootstrap.mjs'));
  if (isCheckout && (await isUsable(program))) return ownFolder(join(program, '.demo'));
  return ownFolder(join(await tempFolder(), `mainspring-demo-${ownId}`));
}

/** A new folder for one run, to be removed after it. */
export async function passingFolder(): Promise<string> {
  const folder = await mkdtemp(join(await tempFolder(), 'mainspring-demo-auto-'));
  await chmod(folder, 0o711);
  return folder;
}

async function tempFolder(): Promise<string> {
  for (const folder of [tmpdir(), '/tmp', '/var/tmp']) if (await isUsable(folder)) return realpath(folder);
  throw new MainspringError(
    'data-folder-failed',
    'demo: there is no folder that the users that apps run as may enter',
    {
      hint: 'Name one with the variable TMPDIR, or start the demo as an ordinary user.',
    },
  );
}

async function isUsable(folder: string): Promise<boolean> {
  const isWritable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isWritable && (await isReachable(folder));
}

/** Others may have made a folder of that name in the temp folder, and git does not work in a repo of another user. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  if (statSync(path).uid !== ownId && process.geteuid !== undefined) {
    throw new MainspringError('data-folder-failed', `demo: the folder "${path}" belongs to another user`, {
      hint: 'Remove it (it holds nothing but the demo), and start again.',
    });
  }
  await chmod(path, 0o711);
  return realpath(path);
}
