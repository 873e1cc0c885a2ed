import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root as checkout } from '../../imports.ts';
import { eventually } from './eventually.ts';
import { signal } from './process-scan.ts';

/** What a daemon is started on. */
export interface Home {
  readonly root: string;
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The variable by which the suite names the program that it has built, as it is packed. */
export const programVariable = 'MAINSPRING_TEST_PROGRAM';

/** The program as `bin/mainspring` starts it: the one that the suite has built, else the sources. */
export const PROGRAM = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  process.env[programVariable] ?? join(checkout, 'src/main.ts'),
] as const;

/** How a daemon is started other than from this checkout, with nothing inherited. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Program and first arguments, for another version. */
  readonly program?: readonly [string, ...string[]];
  /** Descriptors of bound sockets that it gets as a service manager gives them. */
  readonly sockets?: readonly number[];
}

let count = 0;

/** A `serve` as a person starts it: in the foreground of a process group of its own, its output in files. */
export class Daemon {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #out: string;
  readonly #err: string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  #isOver = false;

  private constructor(child: ChildProcess, out: string, err: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#out = out;
    this.#err = err;
    this.ended = new Promise((resolve) =>
      child.once('exit', (code, by) => {
        this.#isOver = true;
        resolve(code ?? by ?? -1);
      }),
    );
  }

  /** Starts one. Its files keep what it prints, also after it was killed. */
  static start({ root, file, environment }: Home, options: StartOptions = {}): Daemon {
    const { env = {}, program = PROGRAM, sockets = [] } = options;
    count += 1;
    const [out, err] = [join(root, `serve-${count}.out`), join(root, `serve-${count}.err`)];
    const descriptors = [openSync(out, 'w'), openSync(err, 'w')] as const;
    // LISTEN_PID is the pid of who may take the sockets, which only the process itself knows before it starts: sd_listen_fds(3).
    const wrap =
      sockets.length === 0 ? [] : ['/bin/sh', '-c', `LISTEN_PID=$$ LISTEN_FDS=${sockets.length} exec "$0" "$@"`];
    const [command = '', ...args] = [...wrap, ...program, 'serve', '--config', file];
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, ...env },
      stdio: ['ignore', ...descriptors, ...sockets],
      detached: true,
    });
    for (const descriptor of descriptors) closeSync(descriptor);
    return new Daemon(child, out, err);
  }

  get stdout(): string {
    return readFileSync(this.#out, 'utf8');
  }

  /** The log: all processes of this daemon write it. */
  get log(): string {
    return readFileSync(this.#err, 'utf8');
  }

  /** Waits until it says that it is ready; fails as soon as it ended instead. */
  async ready(): Promise<void> {
    const look = () => this.#isOver || this.stdout.includes('ready:') || undefined;
    await eventually(look, { within: 60_000, what: () => `ready; it said ${this.stdout}${this.log}` });
    if (this.#isOver) throw new Error(`serve ended with ${await this.ended}: ${this.log}`);
  }

  signal(name: NodeJS.Signals): void {
    signal(this.pid, name);
  }

  /** Ends it in order and gives the exit code. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }
}
