import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ANSWERS, sendAnswer } from './answer.ts';

/** What the hooks of a gateway need. */
export interface HookOptions {
  readonly hooks: Readonly<Record<string, { readonly secretFile: string }>>;
  readonly maxBodyBytes: number;
  /** Called at most once in `COALESCE_MS` for each hook. */
  readonly onHint: (hook: string) => void;
  /** A hook cannot be verified because of its secret's file. */
  readonly onSecretFault: (hook: string, error: unknown) => void;
}

const COALESCE_MS = 5;
const BODY_DEADLINE_MS = 10_000;

interface Secret {
  readonly version: string;
  readonly value: string;
}

/** Verifies webhooks. They only ever say "look now": the body is read for its signature and for nothing else. */
export class Hooks {
  readonly #options: HookOptions;
  readonly #secrets = new Map<string, Secret>();
  readonly #pending = new Set<string>();

  constructor(options: HookOptions) {
    this.#options = options;
  }

  /** Answers a request to the hook of this name: 202, or what was wrong. */
  async serve(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const hook = Object.hasOwn(this.#options.hooks, name) ? this.#options.hooks[name] : undefined;
    if (hook === undefined) return sendAnswer(request, response, ANSWERS.noHook);
    if (request.method !== 'POST') {
      return sendAnswer(request, response, { ...ANSWERS.methodNotAllowed, headers: { Allow: 'POST' } });
    }
    const secret = await this.#readSecret(name, hook.secretFile);
    const verdict = await verify(request, secret, this.#options.maxBodyBytes);
    if (verdict === 'gone' || response.destroyed) return;
    if (verdict !== 'genuine') {
      // What is left of the body is not wanted.
      response.shouldKeepAlive = false;
      return sendAnswer(request, response, ANSWERS[verdict]);
    }
    response.writeHead(202, { 'Content-Length': 0, 'Cache-Control': 'no-store' }).end();
    this.#hintSoon(name);
  }

  #hintSoon(name: string): void {
    if (this.#pending.has(name)) return;
    this.#pending.add(name);
    setTimeout(() => {
      this.#pending.delete(name);
      this.#options.onHint(name);
    }, COALESCE_MS);
  }

  /** The secret, read again when its file has changed; empty (which verifies nothing) when it can't be read. */
  async #readSecret(name: string, path: string): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      const known = this.#secrets.get(name);
      if (known?.version === version) return known.value;
      const value = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
      this.#secrets.set(name, { version, value });
      if (value === '') this.#options.onSecretFault(name, new Error('the file is empty'));
      return value;
    } catch (error) {
      this.#options.onSecretFault(name, error);
      return '';
    }
  }
}

type Verdict = 'genuine' | 'badSignature' | 'tooLarge' | 'timeout' | 'gone';

async function verify(request: IncomingMessage, secret: string, maxBytes: number): Promise<Verdict> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return 'tooLarge';
  // An HMAC wants a key; without a secret nothing is genuine, and that shows only after the same work.
  const hmac = createHmac('sha256', secret === '' ? 'no secret' : secret);
  const end = await readBody(request, maxBytes, (chunk) => hmac.update(chunk));
  if (end !== 'complete') return end;
  const isGenuine = secret !== '' && matches(request, hmac.digest('hex'), secret);
  return isGenuine ? 'genuine' : 'badSignature';
}

/** The signature decides where there is one, so that a wrong one is never outweighed. */
function matches(request: IncomingMessage, signature: string, secret: string): boolean {
  const signed = request.headers['x-hub-signature-256'];
  if (signed !== undefined) return typeof signed === 'string' && isSame(signed, `sha256=${signature}`);
  const token = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return token !== undefined && isSame(token, secret);
}

/** Compares in a time that tells neither content nor length. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function readBody(
  request: IncomingMessage,
  maxBytes: number,
  onChunk: (chunk: Buffer) => void,
): Promise<'complete' | 'tooLarge' | 'timeout' | 'gone'> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => finish('timeout'), BODY_DEADLINE_MS);
    const finish = (end: 'complete' | 'tooLarge' | 'timeout' | 'gone') => {
      clearTimeout(timer);
      request.off('data', take);
      resolve(end);
    };
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) finish('tooLarge');
      else onChunk(chunk);
    };
    request.on('data', take);
    request.once('end', () => finish('complete'));
    request.once('close', () => finish('gone'));
  });
}
