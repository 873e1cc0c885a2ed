import { readFile } from 'node:fs/promises';
import type Docker from 'dockerode';
import { MainspringError, type Problem } from '../../../model/errors.ts';
import { askAbilities, type EngineAbilities } from './engine-abilities.ts';
import { askAbout, type EngineAbout } from './engine-about.ts';
import { engineFailed, isAway } from './engine-error.ts';
import { type EngineAddress, type FoundEngine, findEngine, type Variables } from './find-engine.ts';
import { ownContainer } from './own-container.ts';

/** An engine that answered. */
export interface Client {
  readonly docker: Docker;
  readonly about: EngineAbout;
  /** The container of this engine that we run in; null: we are not in one. */
  readonly self: string | null;
  /** What it can hold containers to; it is asked once. */
  abilities(): Promise<EngineAbilities>;
}

/** How long an engine may take to say who it is. */
const HELLO_MS = 10_000;
const OLDEST_API = [1, 41] as const;

/**
 * The way to the engine, looked for when it is needed and again after it was lost: nothing here keeps a controller from starting,
 * and an engine that comes back is found.
 */
export class DockerConnection {
  readonly #setting: string;
  readonly #env: Variables;
  #client: Promise<Client> | null = null;
  #abilities: EngineAbilities | null = null;
  #wasThere = false;

  /** `setting` is `auto`, `off` or the path of a socket. */
  constructor(setting: string, env: Variables) {
    this.#setting = setting;
    this.#env = env;
  }

  /** The engine; `engine-failed` where none answers. */
  async client(): Promise<Client> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = null;
      throw error;
    });
    return this.#client;
  }

  /** Asks the engine for something. Errors come out as ours; after one that says that it is away, it is looked for again. */
  async ask<T>(what: string, question: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.client();
    try {
      return await question(client);
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  /** An error as ours; one that says that the engine is away has it looked for again. */
  failure(what: string, error: unknown): Error {
    if (isAway(error)) this.#client = null;
    return engineFailed(what, error);
  }

  /** What the engine can, as far as it was asked for by now. */
  get abilities(): EngineAbilities | null {
    return this.#abilities;
  }

  /** Why no container can be run here, or null. A look at some files, so cheap; once an engine answered, it is only away for a while. */
  problem(): Problem | null {
    if (this.#setting === 'off') {
      return off('containers are switched off', 'Set [engines] docker = "auto" in mainspring.toml.');
    }
    if (this.#wasThere) return null;
    const found = findEngine(this.#setting, this.#env);
    return found.address === null ? noEngine(found.fault) : null;
  }

  /** Where the engine is looked for, in words. */
  where(): FoundEngine {
    return findEngine(this.#setting === 'off' ? 'auto' : this.#setting, this.#env);
  }

  /** Asks an engine once what it can, and again only if that failed. */
  #abilitiesOf(docker: Docker, about: EngineAbout): () => Promise<EngineAbilities> {
    const ask = async () => {
      this.#abilities = await askAbilities(docker, about);
      return this.#abilities;
    };
    let asked: Promise<EngineAbilities> | null = null;
    this.#abilities = null;
    return () => {
      asked ??= ask().catch((error: unknown) => {
        asked = null;
        throw error;
      });
      return asked;
    };
  }

  async #connect(): Promise<Client> {
    const found = this.where();
    if (found.address === null) {
      const { message, hint } = noEngine(found.fault);
      throw new MainspringError('engine-failed', message, { hint: hint ?? '', retry: 'after-interval' });
    }
    const what = `container engine at ${describeAddress(found.address)} (${found.from})`;
    try {
      const docker = await dockerAt(found.address);
      const about = await within(HELLO_MS, askAbout(docker));
      refuseOld(about, what);
      const self = await within(HELLO_MS, ownContainer(docker));
      this.#wasThere = true;
      return { docker, about, self, abilities: this.#abilitiesOf(docker, about) };
    } catch (error) {
      throw engineFailed(what, error);
    }
  }
}

/** An address as people write it. */
export function describeAddress(address: EngineAddress): string {
  return address.kind === 'socket' ? address.path : `tcp://${address.host}:${address.port}`;
}

/** A client for an address. Loaded late: it is a large library, and many installations run no containers. */
async function dockerAt(address: EngineAddress): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  // All named, as the library fills in from the environment what it is not told.
  const none = { host: undefined, port: undefined, protocol: 'http', ca: undefined, cert: undefined, key: undefined };
  const options =
    address.kind === 'socket' ? { ...none, socketPath: address.path } : { ...none, ...(await tcpOptions(address)) };
  return new Client(options as Docker.DockerOptions);
}

async function tcpOptions({ host, port, tls }: Extract<EngineAddress, { kind: 'tcp' }>) {
  if (!['localhost', '127.0.0.1', '[::1]'].includes(host)) {
    throw new MainspringError('engine-failed', `container engine at "${host}": expected one of this machine`, {
      hint: 'Apps are reached over loopback, so the engine has to run on the machine that Mainspring runs on.',
    });
  }
  const address = { host, port, socketPath: undefined };
  if (tls === null) return address;
  const [ca, cert, key] = await Promise.all([readFile(tls.ca), readFile(tls.cert), readFile(tls.key)]);
  return { ...address, protocol: 'https', ca, cert, key };
}

function refuseOld({ apiVersion }: EngineAbout, what: string): void {
  const [major = 0, minor = 0] = apiVersion.split('.').map(Number);
  if (major > OLDEST_API[0] || (major === OLDEST_API[0] && minor >= OLDEST_API[1])) return;
  throw new MainspringError('engine-failed', `${what}: speaks API ${apiVersion}, expected 1.41 or newer`, {
    hint: 'Docker Engine 20.10 and Podman 4 are the oldest that do.',
    retry: 'after-interval',
  });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms / 1000}s`)), ms);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}

function noEngine(fault: string): Problem {
  return off(
    `there is no container engine: ${fault}`,
    'Install Docker or Podman on this machine, or name its socket in [engines] docker in mainspring.toml.',
  );
}

function off(message: string, hint: string): Problem {
  return { code: 'engine-off', message, hint, retry: 'needs-human' };
}
