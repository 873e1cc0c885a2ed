import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { AnswerParser, type CatFileAnswer } from './cat-file-answer.ts';

/** How a `git cat-file` process is started. */
export interface CatFileOptions {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** `check` answers with type and size only. */
  readonly mode: 'check' | 'contents';
  /** How long an answer may keep us waiting. */
  readonly stallMs: number;
}

/** The process ended (or was ended) before it answered. */
export class CatFileDied extends Error {
  readonly stalled: boolean;
  /** Whether it died over this very question: questions are answered in order. */
  readonly atFault: boolean;
  /** The error of starting it, if that was it. */
  readonly spawnError: Error | null;

  constructor(message: string, facts: { stalled: boolean; atFault: boolean; spawnError: Error | null }) {
    super(message);
    this.stalled = facts.stalled;
    this.atFault = facts.atFault;
    this.spawnError = facts.spawnError;
  }
}

interface Waiting {
  readonly resolve: (answer: CatFileAnswer) => void;
  readonly reject: (error: Error) => void;
}

const STDERR_LIMIT = 4_096;

/**
 * One long-lived `git cat-file`, asked many things at once and answering in order. It keeps this process alive only while it
 * is being asked, and ends by itself when this process does (its standard input closes).
 */
export class CatFile {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #options: CatFileOptions;
  readonly #waiting: Waiting[] = [];
  readonly #parser: AnswerParser;
  #answered = 0;
  #unsent: string[] = [];
  #stderr = '';
  #stalled = false;
  #spawnError: Error | null = null;
  #ended = false;
  #stallTimer: NodeJS.Timeout | null = null;

  constructor(options: CatFileOptions) {
    this.#options = options;
    this.#parser = new AnswerParser(options.mode, (answer) => this.#answer(answer));
    const args = [`--git-dir=${options.gitDir}`, 'cat-file', options.mode === 'check' ? '--batch-check' : '--batch'];
    // Not through execa: nothing is collected, and the pipes must be let go of while nobody asks.
    this.#child = spawn('git', args, { cwd: '/', env: { ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < STDERR_LIMIT) this.#stderr += chunk.toString();
    });
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error) => {
      this.#spawnError = error;
      this.#end();
    });
    this.#child.on('close', () => this.#end());
    this.#hold(false);
  }

  /** Whether it can still be asked. */
  get isAlive(): boolean {
    return !this.#ended;
  }

  /** Whether nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#waiting.length === this.#answered;
  }

  /** Asks for one object by its id, which must be one. Rejects with `CatFileDied` if the process ends first. */
  ask(oid: string): Promise<CatFileAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#died(false));
        return;
      }
      if (this.isIdle) this.#hold(true);
      this.#waiting.push({ resolve, reject });
      this.#unsent.push(oid);
      if (this.#unsent.length === 1) queueMicrotask(() => this.#send());
    });
  }

  /** Ends the process. What is still waited for is rejected. Safe to call twice. */
  close(): void {
    if (this.#ended) return;
    this.#child.kill('SIGKILL');
    this.#end();
  }

  #send(): void {
    const lines = this.#unsent.join('\n');
    this.#unsent = [];
    if (!this.#ended) this.#child.stdin.write(`${lines}\n`);
  }

  #receive(chunk: Buffer): void {
    this.#stallTimer?.refresh();
    try {
      this.#parser.push(chunk);
    } catch {
      this.close();
    }
  }

  #answer(answer: CatFileAnswer): void {
    const next = this.#waiting[this.#answered];
    if (next === undefined) throw new Error('git answered what nobody asked');
    this.#answered += 1;
    if (this.isIdle) {
      this.#waiting.length = 0;
      this.#answered = 0;
      this.#hold(false);
    }
    next.resolve(answer);
  }

  #hold(busy: boolean): void {
    const streams = [this.#child.stdin, this.#child.stdout, this.#child.stderr] as unknown as NodeJS.Timeout[];
    for (const held of [this.#child, ...streams]) {
      if (busy) held.ref();
      else held.unref();
    }
    if (this.#stallTimer !== null) clearTimeout(this.#stallTimer);
    this.#stallTimer = busy ? setTimeout(() => this.#stall(), this.#options.stallMs) : null;
  }

  #stall(): void {
    this.#stalled = true;
    this.close();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hold(false);
    const waiting = this.#waiting.splice(0).slice(this.#answered);
    this.#answered = 0;
    for (const [index, one] of waiting.entries()) one.reject(this.#died(index === 0));
  }

  #died(atFault: boolean): CatFileDied {
    const words = this.#stderr.trim() === '' ? 'git cat-file ended' : this.#stderr.trim();
    return new CatFileDied(words, { stalled: this.#stalled, atFault, spawnError: this.#spawnError });
  }
}
