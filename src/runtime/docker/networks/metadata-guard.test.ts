import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeMetadata, closingCommands, metadataState } from './metadata-guard.ts';

/** A firewall that keeps rules, and may refuse new ones. */
function firewall({ mayChange = true } = {}) {
  const rules = new Set<string>();
  const run = async ([, , action, chain, ...rest]: readonly string[]) => {
    const text = [chain, ...(action === '-I' ? rest.slice(1) : rest)].join(' ');
    if (action === '-C') return { ok: rules.has(text), said: '' };
    if (!mayChange) return { ok: false, said: 'Permission denied (you must be root)' };
    rules.add(text);
    return { ok: true, said: '' };
  };
  return { rules, run };
}

test('the metadata addresses are closed for a range, once, in both ways that traffic can take', async () => {
  const { rules, run } = firewall();
  assert.deepEqual(await metadataState('10.213.0.0/16', run), {
    isClosed: false,
    reason: 'the firewall has no rule for it',
  });
  for (let twice = 0; twice < 2; twice++) {
    assert.deepEqual(await closeMetadata('10.213.0.0/16', run), { isClosed: true });
  }
  assert.equal(rules.size, 4);
  assert.ok(rules.has('DOCKER-USER -s 10.213.0.0/16 -d 169.254.0.0/16 -j REJECT'));
  assert.deepEqual(await metadataState('10.213.0.0/16', run), { isClosed: true });
});

test('where we may not, it is said why, and what to run', async () => {
  const state = await closeMetadata('10.213.0.0/16', firewall({ mayChange: false }).run);
  assert.deepEqual(state, { isClosed: false, reason: 'Permission denied (you must be root)' });
  assert.equal(
    closingCommands('10.213.0.0/16')[0],
    'iptables -I DOCKER-USER 1 -s 10.213.0.0/16 -d 169.254.0.0/16 -j REJECT',
  );
});
