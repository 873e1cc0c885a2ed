import { parseArgs } from 'node:util';
import { canAimAt } from './aim.ts';
import { describeReport, simulate } from './simulate.ts';

const USAGE = 'usage: npm run simulate -- [--histories N] [--seed S] [--aim NAME] [--json]';

/** A whole number, or the way out with the usage. */
function wholeNumber(text: string): number {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  console.error(`"${text}" is no whole number\n${USAGE}`);
  process.exit(64);
}

function readArguments() {
  try {
    const text = { type: 'string' } as const;
    const options = { histories: text, seed: text, aim: text, json: { type: 'boolean' } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(64);
  }
}

const values = readArguments();
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber(values.seed);
const histories = wholeNumber(values.histories ?? '500');
const { aim } = values;
if (aim !== undefined && !canAimAt(aim)) {
  console.error(
    `"${aim}" is nothing that histories can be aimed at: "crash at: BOUNDARY", "fault: METHOD KIND" or "interrupted: AT" as a run lists them\n${USAGE}`,
  );
  process.exit(64);
}
const isTerminal = process.stderr.isTTY === true;
if (isTerminal) process.stderr.write(`${histories} histories from seed ${seed}\n`);
const report = await simulate({
  histories,
  seed,
  ...(aim === undefined ? {} : { aim }),
  onProgress: (done, of) => {
    if (isTerminal && (done % 10 === 0 || done === of)) process.stderr.write(`\r${done} of ${of}`);
  },
});
if (isTerminal) process.stderr.write('\r\x1b[K');
console.log(values.json === true ? JSON.stringify(report) : describeReport(report));
process.exitCode = report.failure === null ? 0 : 1;
