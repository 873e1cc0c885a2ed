import fs from 'node:fs';
import path from 'node:path';
import { say, toolDir } from './paths.mjs';

// What is made is put in place by a rename, so nothing breaks when two set-ups do run at once; the lock saves the
// second one its work. That is why a pid in a file is enough.
const lockFile = path.join(toolDir, 'setup.lock');
const staleAfterMs = 15 * 60 * 1000;
const pollMs = 100;

/** Runs `work` alone among the set-ups of this checkout; waits for its turn. */
export function withLock(work) {
  fs.mkdirSync(toolDir, { recursive: true });
  for (let waitedMs = 0; !takeLock(); waitedMs += pollMs) {
    if (waitedMs === 1000) say('waiting for another set-up of this checkout to finish …');
    sleep(pollMs);
  }
  try {
    removeLeftovers();
    return work();
  } finally {
    fs.rmSync(lockFile, { force: true });
  }
}

/** An empty folder of one's own on the checkout's file system. Whoever makes it removes it. */
export function makeWorkDir(purpose) {
  // The pid tells what a killed set-up left from what is in use.
  return fs.mkdtempSync(path.join(toolDir, `work-${process.pid}-${purpose}-`));
}

/** Removes a folder with all that is in it; a missing one counts as removed. */
export function removeTree(dir) {
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}

function takeLock() {
  try {
    fs.writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (isStale()) fs.rmSync(lockFile, { force: true });
  return false;
}

function isStale() {
  try {
    const ageMs = Date.now() - fs.statSync(lockFile).mtimeMs;
    const pid = Number(fs.readFileSync(lockFile, 'utf8'));
    // A pid says nothing where another container shares the checkout, so age decides there.
    if (ageMs > staleAfterMs) return true;
    // Without a pid it was created this instant, or its writer died before it could say who it is.
    return pid > 0 ? !isAlive(pid) : ageMs > 5000;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function removeLeftovers() {
  for (const name of fs.readdirSync(toolDir)) {
    const match = /^work-(\d+)-/.exec(name);
    if (match !== null && !isAlive(Number(match[1]))) removeTree(path.join(toolDir, name));
  }
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
