import { isIP } from 'node:net';
import { DURATION_FORM, parseDurationMs, parseSizeBytes, SIZE_FORM } from '../model/duration.ts';
import { allowEntryFault } from '../model/proxy-target.ts';
import type { ListenAddress } from '../model/settings.ts';
import { branchFault } from '../model/source-url.ts';

/** Why a value is not right, in words that follow the key: `should be …`. */
export interface Fault {
  readonly expected: string;
  readonly hint?: string;
  /** The value may hold a secret: it is not repeated in the message. */
  readonly isSecret?: boolean;
  /** The entry of a list that is at fault. */
  readonly entry?: { readonly index: number; readonly value: unknown };
}

/** The outcome of a check: the value as the settings hold it, or why not. */
export type Checked<T> = { readonly value: T } | { readonly faults: readonly Fault[] };

/** Judges one value of the file. `readText` says how the text of an environment variable becomes such a value. */
export interface Check<T> {
  readonly judge: (value: unknown) => Checked<T>;
  readonly readText: (text: string) => unknown;
}

const asText = (text: string): unknown => text;
const asList = (text: string): unknown => (text.trim() === '' ? [] : text.split(',').map((item) => item.trim()));
const asBoolean = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);
const asNumber = (text: string): unknown => (/^-?\d+$/.test(text) ? Number(text) : text);

const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A right value. */
export function right<T>(value: T): Checked<T> {
  return { value };
}

/** A wrong value, in words that follow `should be`. */
export function wrong(expected: string, more: Omit<Fault, 'expected'> = {}): Refusal {
  return { faults: [{ expected, ...more }] };
}

type Refusal = { readonly faults: readonly Fault[] };

/** A check of a text that is parsed: `parse` gives undefined, or a fault of its own, for what is not right. */
export function parsedText<R>(expected: string, parse: (text: string) => R): Check<Exclude<R, undefined | Refusal>> {
  type T = Exclude<R, undefined | Refusal>;
  const judge = (value: unknown): Checked<T> => {
    if (typeof value !== 'string') return wrong(expected);
    const parsed = parse(value);
    if (parsed === undefined) return wrong(expected);
    return isFault(parsed) ? parsed : right(parsed as T);
  };
  return { judge, readText: asText };
}

function isFault(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'faults' in value;
}

/** One of some words. */
export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  const quoted = words.map((word) => `"${word}"`);
  const expected = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
  return parsedText(expected, (text) => words.find((word) => word === text));
}

/** A whole number within bounds. */
export function wholeNumber(from: number, to: number): Check<number> {
  const judge = (value: unknown): Checked<number> => {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
    return fits ? right(value) : wrong(`a whole number from ${from} to ${to}`);
  };
  return { judge, readText: asNumber };
}

/** A number within bounds, whole or not. */
export function amount(from: number, to: number): Check<number> {
  const judge = (value: unknown): Checked<number> => {
    const fits = typeof value === 'number' && value >= from && value <= to;
    return fits ? right(value) : wrong(`a number from ${from} to ${to}`);
  };
  return { judge, readText: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text) };
}

/** `true` or `false`. */
export const yesOrNo: Check<boolean> = {
  judge: (value) => (typeof value === 'boolean' ? right(value) : wrong('true or false')),
  readText: asBoolean,
};

/** A duration, in milliseconds. */
export function duration(limits: { readonly from?: string } = {}): Check<number> {
  const from = parseDurationMs(limits.from ?? '0s') ?? 0;
  const expected = limits.from === undefined ? DURATION_FORM : `${DURATION_FORM}, at least "${limits.from}"`;
  return parsedText(expected, (text) => {
    const ms = text === '0' ? 0 : parseDurationMs(text);
    return ms === undefined || ms < from ? undefined : ms;
  });
}

/** A size, in bytes. */
export function size(limits: { readonly from: string; readonly to: string }): Check<number> {
  const from = parseSizeBytes(limits.from) ?? 0;
  const to = parseSizeBytes(limits.to) ?? Number.POSITIVE_INFINITY;
  return parsedText(`${SIZE_FORM}, from "${limits.from}" to "${limits.to}"`, (text) => {
    const bytes = parseSizeBytes(text);
    return bytes === undefined || bytes < from || bytes > to ? undefined : bytes;
  });
}

/** A list of values that each pass a check of a text. */
export function listOf<T>(item: Check<T>, what: string): Check<readonly T[]> {
  const judge = (value: unknown): Checked<readonly T[]> => {
    if (!Array.isArray(value)) return wrong(`a list of ${what}`);
    const values: T[] = [];
    const faults: Fault[] = [];
    for (const [index, entry] of value.entries()) {
      const checked = item.judge(entry);
      if ('value' in checked) values.push(checked.value);
      else faults.push(...checked.faults.map((fault) => ({ ...fault, entry: { index, value: entry } })));
    }
    return faults.length > 0 ? { faults } : right(values);
  };
  return { judge, readText: asList };
}

/** A list, or one value alone that stands for a list of one. */
export function oneOrMore<T>(item: Check<T>, what: string): Check<readonly T[]> {
  const many = listOf(item, what);
  const judge = (value: unknown): Checked<readonly T[]> => {
    if (Array.isArray(value)) return value.length === 0 ? wrong(`at least one of ${what}`) : many.judge(value);
    const one = item.judge(value);
    return 'faults' in one ? one : right([one.value]);
  };
  return { judge, readText: asList };
}

/** The name of a host, in lower case. */
export const hostName: Check<string> = parsedText('a host name such as "apps.example.com"', (text) => {
  const name = text.toLowerCase();
  const fits = name.length <= 253 && name.split('.').every((label) => HOST_LABEL.test(label));
  return fits ? name : undefined;
});

/** An IP address or a network. */
export const network: Check<string> = parsedText('an IP address or a network such as "10.0.0.0/8"', (text) => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  if (bits === undefined) return text;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128) ? text : undefined;
});

/** An entry of `[proxy] allow`. */
export const proxyTarget: Check<string> = parsedText('an address, a network, a host name or a Unix socket', (text) => {
  const fault = allowEntryFault(text);
  return fault === undefined ? text : wrong(fault.replace(/^expected /, ''));
});

const LISTEN_FORM = 'an address and a port such as "127.0.0.1:8080" or "[::1]:8080"';

/** An address and a port to listen on. Port 0 lets the system choose one. */
export const listenAddress: Check<ListenAddress> = parsedText(LISTEN_FORM, (text) => {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null && isIP(text) === 0 && !/^\d{1,5}$/.test(text)) return undefined;
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? (/^\d+$/.test(text) ? text : 8080));
  if (port > 65_535) return undefined;
  if (match !== null && isIP(host) === (match[1] === undefined ? 4 : 6)) return { host, port };
  return wrong(LISTEN_FORM, { hint: listenHint(match === null && isIP(text) !== 0 ? text : host, port) });
});

function listenHint(host: string, port: number): string {
  if (host === 'localhost') return `Write "127.0.0.1:${port}".`;
  if (isIP(host) === 6) return `Write "[${host}]:${port}".`;
  if (isIP(host) === 4) return `Write "${host}:${port}".`;
  return `Write "127.0.0.1:${port}" for this machine only, or "0.0.0.0:${port}" for all of its IPv4 addresses.`;
}

/** Scheme and host, as people type it; without a slash at the end. */
export const publicUrl: Check<string> = parsedText(
  'a URL such as "https://apps.example.com", without a path',
  (text) => {
    if (!URL.canParse(text)) return undefined;
    const url = new URL(text);
    const isPlain = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
    return isPlain && /^https?:$/.test(url.protocol) ? url.origin : undefined;
  },
);

/** The name of a branch. */
export const branchName: Check<string> = parsedText('the name of a branch such as "main"', (text) => {
  const fault = branchFault(text);
  if (fault === undefined) return text;
  const hint = fault.hint === null ? {} : { hint: fault.hint };
  return wrong(`the name of a branch, but it ${fault.fault}`, hint);
});

/** A share such as "90%", or "off". */
export const shareOrOff = parsedText(
  '"off" or a share of the memory from "10%" to "99%"',
  (text): number | 'off' | undefined => {
    if (text === 'off') return 'off';
    const percent = /^([1-9]\d)%$/.exec(text)?.[1];
    return percent === undefined ? undefined : Number(percent) / 100;
  },
);
