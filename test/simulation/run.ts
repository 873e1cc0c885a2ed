import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: { histories: { type: 'string', default: '500' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const report = await simulate({
  histories: Number(values.histories),
  seed,
  onProgress: (done, of) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} histories`);
  },
});
console.log(report.text);
process.exitCode = report.ok ? 0 : 1;
