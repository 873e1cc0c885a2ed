import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { execa } from 'execa';
import { makeBridge, removeBridges } from './bridge.ts';

const canMake = process.getuid?.() === 0 && spawnSync('ip', ['-V']).status === 0;
const skip = !canMake && 'makes network links, which takes root and iproute2';

test('a bridge keeps its address when containers come and go', { skip }, async (t) => {
  const [name, end] = [`mst${process.pid}`, `mse${process.pid}`];
  const bridge = await makeBridge(name);
  t.after(() => removeBridges(bridge));
  const address = async () => JSON.parse((await execa('ip', ['-j', 'link', 'show', name])).stdout)[0].address;
  const before = await address();
  // Lower than any that is made at random.
  const link = ['link', 'add', 'name', end, 'address', '02:00:00:00:00:01', 'type', 'veth', 'peer', `${end}p`];
  await execa('ip', link);
  t.after(() => execa('ip', ['link', 'del', end], { reject: false }));
  await execa('ip', ['link', 'set', end, 'master', name]);
  assert.equal(await address(), before);
});
