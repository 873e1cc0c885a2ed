import { styleText } from 'node:util';

/** How grave a line is. */
export type Level = 'info' | 'warn' | 'error';

/** Writes one line. Never throws. */
export type WriteLog = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Where lines go. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * The log of a process: a line of JSON an event on standard error, with the names that log collectors know (`time` in ISO 8601,
 * `level`, `msg`); on a terminal a line to be read. All processes write the same, and none loads a library for it.
 */
export function createLog(role: string, stream: LogStream): WriteLog {
  const render = stream.isTTY === true ? readable : asJson;
  return (level, message, fields = {}) => {
    stream.write(`${render(role, level, message, fields)}\n`);
  };
}

function asJson(role: string, level: Level, msg: string, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ time: new Date().toISOString(), level, role, pid: process.pid, msg, ...fields });
}

const COLOURS = { info: 'dim', warn: 'yellow', error: 'red' } as const;

function readable(role: string, level: Level, message: string, fields: Readonly<Record<string, unknown>>): string {
  const time = new Date().toISOString().slice(11, 19);
  const details = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const line = [time, role.padEnd(10), message, ...details].join(' ').replace(/[\r\n]+/g, ' ');
  return styleText(COLOURS[level], line, { validateStream: false });
}
