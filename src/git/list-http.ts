import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { listServerRefs } from 'isomorphic-git';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { isAbort, MainspringError } from '../model/errors.ts';
import type { GitCredential } from '../model/settings.ts';
import type { RepoUrl } from '../model/source.ts';
import { type Authorization, isBelowPrefix, readAuthorization } from './credentials.ts';
import type { HostEnvironment } from './git-environment.ts';
import { type Refs, refsOf } from './refs.ts';
import { NoRefs, SmartHttp } from './smart-http.ts';

/** One listing. */
export interface HttpListing {
  readonly repo: RepoUrl;
  readonly credential: GitCredential | null;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/** What a listing found, and where the repo is after redirects. */
export interface FoundRefs {
  readonly refs: Refs;
  readonly base: string;
}

/** Lists refs over HTTP in this process, with kept connections and the machine's proxies and certificates. */
export class HttpLister {
  readonly #env: HostEnvironment;
  #dispatcher: Promise<Dispatcher> | null = null;
  readonly #announced = new Map<RepoUrl, Buffer>();

  constructor(env: HostEnvironment) {
    this.#env = env;
  }

  /**
   * HEAD and the branches, from the server itself, and where the repo is after redirects. What a server announced is remembered,
   * so that a poll is one request; a listing that fails so is made again from the start.
   */
  async list(listing: HttpListing): Promise<FoundRefs> {
    const announced = this.#announced.get(listing.repo) ?? null;
    if (announced === null) return this.#list(listing, null);
    this.#announced.delete(listing.repo);
    return this.#list(listing, announced).catch(() => this.#list(listing, null));
  }

  async #list(listing: HttpListing, announced: Buffer | null): Promise<FoundRefs> {
    const { repo, credential, signal, maxBytes } = listing;
    signal.throwIfAborted();
    const authorization = credential === null ? null : await readAuthorization(credential);
    const secrets = authorization?.secrets ?? [];
    const authorize = (url: string) => headerFor(url, credential, authorization);
    this.#dispatcher ??= makeDispatcher(this.#env);
    const dispatcher = await this.#dispatcher;
    const http = new SmartHttp({ repo, dispatcher, signal, maxBytes, authorize, secrets, announced });
    try {
      const refs = await listServerRefs({ http, url: repo, symrefs: true });
      if (http.announced !== null) this.#announced.set(repo, http.announced);
      return { refs: refsOf(refs), base: http.base };
    } catch (error) {
      if (error instanceof NoRefs) return { refs: { head: null, branches: {} }, base: http.base };
      throw listFailure(repo, error);
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    if (this.#dispatcher !== null) await (await this.#dispatcher).destroy();
  }
}

function headerFor(url: string, credential: GitCredential | null, authorization: Authorization | null): string | null {
  const { origin, pathname } = new URL(url);
  const mayGo = credential !== null && isBelowPrefix(origin + pathname, credential.urlPrefix);
  return mayGo ? (authorization?.header ?? null) : null;
}

function listFailure(repo: RepoUrl, error: unknown): unknown {
  if (error instanceof MainspringError || isAbort(error)) return error;
  const why = error instanceof Error ? reasonOf(error) : String(error);
  return new MainspringError('git-list-failed', `list "${repo}": ${why.slice(0, 300)}`, {
    cause: error,
    retry: 'after-interval',
    hint: 'Does the repo exist, and can this machine reach it? See `mainspring doctor`.',
  });
}

/** Node gives an empty message when it tried several addresses. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error.message;
}

/** Trusts what git would trust: the file that the environment names, else the machine's store, and Node's own list. */
async function makeDispatcher(env: HostEnvironment): Promise<Dispatcher> {
  const anyProxy = env.all_proxy ?? env.ALL_PROXY;
  const httpProxy = env.http_proxy ?? anyProxy;
  const httpsProxy = env.https_proxy ?? env.HTTPS_PROXY ?? anyProxy;
  const noProxy = env.no_proxy ?? env.NO_PROXY;
  const ca = await trusted(env);
  return new EnvHttpProxyAgent({
    // Given even when unset: the agent would read the environment by itself.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
    connect: { ca },
    requestTls: { ca },
    proxyTls: { ca },
    bodyTimeout: 0,
    headersTimeout: 0,
  });
}

async function trusted(env: HostEnvironment): Promise<string[]> {
  const file = env.GIT_SSL_CAINFO ?? env.SSL_CERT_FILE;
  if (file !== undefined && file !== '') return [await readFile(file, 'utf8')];
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}
