import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** What the set-up makes besides node_modules: a Node, its lock, its work folders. */
export const toolDir = path.join(root, '.node');

/** Tells the user, on stderr so that a command's output stays its own. */
export function say(text) {
  process.stderr.write(`mainspring: ${text}\n`);
}

/** How long it has taken since then, for people. */
export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/** An expected failure of the set-up: its message is all that the user sees. */
export class SetupError extends Error {}
