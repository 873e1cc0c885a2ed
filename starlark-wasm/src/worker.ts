import { parentPort, workerData } from 'node:worker_threads';
import { Machine, MachineDied } from './machine.ts';
import { cells, type FromWorker, type ThreadData, type ToWorker } from './thread.ts';

// One thread, one instance. When the instance dies the pool ends the thread, which is what gives its memory back.

const { module, shared } = workerData as ThreadData;
const numbers = new Int32Array(shared);
let job = 0;
// Time runs only while the program does, not while files are fetched for it.
let remainingMs = 0;
let deadline = 0;

function post(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function finish(message: FromWorker): void {
  Atomics.store(numbers, cells.finished, job);
  post(message);
}

const machine = new Machine(module, {
  tick() {
    if (Atomics.load(numbers, cells.cancelled) === job) return 2;
    return performance.now() > deadline ? 1 : 0;
  },
  mark(file, line, column) {
    numbers[cells.file] = file;
    numbers[cells.line] = line;
    numbers[cells.column] = column;
  },
});

function begin(message: ToWorker & { kind: 'evaluate' }): void {
  job = message.job;
  remainingMs = message.timeMs;
  deadline = performance.now() + remainingMs;
  numbers.fill(0, cells.file);
  if (message.config !== undefined) machine.configure(message.config);
  machine.begin(message.entry);
  proceed([message.text]);
}

function proceed(texts: readonly (string | undefined)[]): void {
  for (const text of texts) machine.provide(text);
  const paths = machine.wanted();
  if (paths.length > 0) {
    remainingMs = deadline - performance.now();
    post({ kind: 'wanted', paths });
    return;
  }
  const json = machine.run();
  finish({ kind: 'result', json, memoryBytes: machine.memoryBytes });
}

parentPort?.on('message', (message: ToWorker) => {
  try {
    if (message.kind === 'evaluate') {
      begin(message);
    } else {
      deadline = performance.now() + remainingMs;
      proceed(message.texts);
    }
  } catch (error) {
    if (!(error instanceof MachineDied)) throw error;
    finish({ kind: 'died', reason: error.reason, message: error.message });
  }
});
post({ kind: 'ready' });
