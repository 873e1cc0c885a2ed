import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ANSWER_TOPICS } from '../../corpus/answers.ts';
import { judgeAnswer, judgeRequests } from '../../corpus/judge.ts';
import { type Intermediary, playAnswer, playRequests } from '../../corpus/play.ts';
import { Recorder } from '../../corpus/recorder.ts';
import { REQUEST_TOPICS } from '../../corpus/requests.ts';
import { startTestGateway } from './testbed.ts';

// Nothing here waits that long unless it fails.
const PATIENCE = { answerMs: 1_500, quietMs: 1_500 };
const OURS = { isOurs: true };

for (const { topic, cases } of REQUEST_TOPICS) {
  test(`what clients send: ${topic}`, { timeout: 60_000 }, async (t) => {
    const place = await intermediary(t);
    for (const one of cases) {
      await t.test(one.name, async () => {
        const seen = await playRequests(place, one);
        assert.deepEqual(judgeRequests(seen, one, OURS), []);
      });
    }
  });
}

for (const { topic, cases } of ANSWER_TOPICS) {
  test(`what upstreams send: ${topic}`, { timeout: 60_000 }, async (t) => {
    const place = await intermediary(t);
    for (const one of cases) {
      await t.test(one.name, async () => {
        const seen = await playAnswer(place, one);
        assert.deepEqual(judgeAnswer(seen, one, OURS), []);
      });
    }
  });
}

/** A gateway with one app at the root of the host and another below /admin, both of which are the recorder. */
async function intermediary(t: TestContext): Promise<Intermediary> {
  const recorder = new Recorder();
  const target = { kind: 'http', url: `http://127.0.0.1:${await recorder.start()}`, external: false } as const;
  t.after(() => recorder.stop());
  const bed = await startTestGateway(t);
  await bed.route('a/', target);
  await bed.route('a/admin', target, { stripPath: false });
  return { port: bed.port, recorder, patience: PATIENCE };
}
