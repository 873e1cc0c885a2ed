import { randomBytes } from 'node:crypto';
import { execa } from 'execa';

/** A bridge of one engine's own, and the range of addresses that its networks come from. */
export interface Bridge {
  readonly name: string;
  /** As dockerd takes it. */
  readonly pool: string;
  /** What all addresses of this engine begin with: `10.137.`. */
  readonly prefix: string;
}

/** Makes a bridge with a range that nothing on this machine uses. */
export async function makeBridge(name: string): Promise<Bridge> {
  const prefix = await findFreePrefix();
  await execa('ip', ['link', 'add', 'name', name, 'address', randomAddress(), 'type', 'bridge']);
  await execa('ip', ['addr', 'add', `${prefix}0.1/24`, 'dev', name]);
  await execa('ip', ['link', 'set', name, 'up']);
  return { name, prefix, pool: `base=${prefix}128.0/17,size=24` };
}

/**
 * A bridge without an address of its own has the lowest one of its ports, so another one when containers come or go. For
 * most of a minute those that are there go on sending to the last one, which nobody answers to.
 */
function randomAddress(): string {
  // Administered locally, and no group's (IEEE 802, 8.2.2).
  return ['02', ...(randomBytes(5).toString('hex').match(/../g) ?? [])].join(':');
}

/** Removes the bridge, and those of networks that the engine made and left. */
export async function removeBridges({ name, prefix }: Bridge): Promise<void> {
  const { stdout } = await execa('ip', ['-o', '-4', 'addr'], { reject: false });
  const addresses = [...stdout.matchAll(/^\d+: (\S+)\s+inet (\S+)/gm)];
  const left = addresses.filter(([, link, address]) => link?.startsWith('br-') && address?.startsWith(prefix));
  for (const link of [name, ...left.map(([, link = '']) => link)]) {
    await execa('ip', ['link', 'del', link], { reject: false });
  }
}

async function findFreePrefix(): Promise<string> {
  const { stdout } = await execa('ip', ['-4', 'route']);
  const taken = new Set([...stdout.matchAll(/\b10\.(\d+)\./g)].map(([, second]) => Number(second)));
  const free = Array.from({ length: 100 }, (_, i) => 130 + i).filter((second) => !taken.has(second));
  const second = free[Math.floor(Math.random() * free.length)];
  if (second === undefined)
    throw new Error('no range of addresses is free for the containers of tests: 10.130 to 10.229 are all in use');
  return `10.${second}.`;
}
