import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { type Dispatcher, request } from 'undici';
import { MainspringError } from '../model/errors.ts';
import type { RepoUrl } from '../model/source.ts';
import { authFailure, redact } from './failure.ts';
import { encodePacket, FLUSH, packetsOf } from './packets.ts';

/** What one listing over HTTP needs. */
export interface SmartHttpOptions {
  readonly repo: RepoUrl;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** The `Authorization` header for a URL, or null where the credential must not go. */
  readonly authorize: (url: string) => string | null;
  /** What must not come back in an error, should the server say it. */
  readonly secrets: readonly string[];
  /** What the server announced the last time, which then is not asked for again; null: ask. */
  readonly announced: Buffer | null;
}

/** The answer of a server that has no refs at all, in the old protocol; isomorphic-git does not understand it. */
export class NoRefs extends Error {}

const DISCOVERY = '/info/refs?service=git-upload-pack';
const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 5;
/** Of an announcement that is kept; it names a handful of capabilities. */
const ANNOUNCED_BYTES = 4_096;

/**
 * The HTTP client that isomorphic-git lists through: it ends with its signal, limits the answer's size, follows redirects of
 * the discovery without taking the credential along, and passes on only answers that are whole.
 */
export class SmartHttp implements HttpClient {
  readonly #options: SmartHttpOptions;
  #base: string;
  #objectFormat: string | null = null;
  #announced: Buffer | null = null;

  constructor(options: SmartHttpOptions) {
    this.#options = options;
    this.#base = options.repo;
  }

  /** Where the repo really is, after redirects. */
  get base(): string {
    return this.#base;
  }

  /**
   * What the server announced, for the listings that come: in version 2 of the protocol its capabilities, which say nothing of the
   * refs (gitprotocol-v2). Null where that has to be asked each time: in the old protocol, and behind a redirect, which may lead elsewhere then.
   */
  get announced(): Buffer | null {
    return this.#base === this.#options.repo ? this.#announced : null;
  }

  readonly request = async (asked: GitHttpRequest): Promise<GitHttpResponse> => {
    const headers = { ...asked.headers, 'user-agent': 'git/2 (mainspring)', 'accept-encoding': 'identity' };
    const isDiscovery = asked.method === 'GET';
    const type = `application/x-git-upload-pack-${isDiscovery ? 'advertisement' : 'result'}`;
    const { announced } = this.#options;
    if (isDiscovery && announced !== null) return this.#answer(this.#learn(announced), type);
    const answer = isDiscovery ? await this.#discover(headers) : await this.#listRefs(headers);
    const body = await this.#wholeBody(answer);
    if (isDiscovery) this.#learn(body);
    return this.#answer(body, String(answer.headers['content-type'] ?? ''));
  };

  #answer(body: Buffer, type: string): GitHttpResponse {
    const whole = [body] as unknown as AsyncIterableIterator<Uint8Array>;
    return { url: this.#base, statusCode: 200, statusMessage: '', headers: { 'content-type': type }, body: whole };
  }

  async #discover(headers: Record<string, string>): Promise<Dispatcher.ResponseData> {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await this.#send(`${this.#base}${DISCOVERY}`, 'GET', headers);
      if (!REDIRECTS.includes(answer.statusCode)) return answer;
      await answer.body.dump({ limit: 65_536 });
      this.#base = this.#redirected(String(answer.headers.location ?? ''));
    }
    throw this.#failed(`more than ${MAX_REDIRECTS} redirects`);
  }

  #redirected(location: string): string {
    const from = `${this.#base}${DISCOVERY}`;
    if (!URL.canParse(location, from)) throw this.#failed('a redirect to nowhere');
    const target = new URL(location, from);
    if (!target.href.endsWith(DISCOVERY)) throw this.#failed('a redirect to something that is no git repo');
    if (target.protocol !== 'https:' && target.protocol !== new URL(from).protocol) {
      throw this.#failed(`a redirect from https to "${target.protocol}"`);
    }
    if (target.username !== '' || target.password !== '') throw this.#failed('a redirect with a credential in it');
    return target.href.slice(0, -DISCOVERY.length);
  }

  // isomorphic-git can ask for one prefix only, and not in a SHA-256 repo; we want HEAD and the branches, and nothing else.
  #listRefs(headers: Record<string, string>): Promise<Dispatcher.ResponseData> {
    const format = this.#objectFormat === null ? [] : [encodePacket(`object-format=${this.#objectFormat}`)];
    const asked = ['symrefs\n', 'ref-prefix HEAD\n', 'ref-prefix refs/heads/\n'].map(encodePacket);
    const body = Buffer.concat([encodePacket('command=ls-refs\n'), ...format, Buffer.from('0001'), ...asked, FLUSH]);
    return this.#send(`${this.#base}/git-upload-pack`, 'POST', headers, body);
  }

  async #send(
    url: string,
    method: 'GET' | 'POST',
    headers: Record<string, string>,
    body?: Buffer,
  ): Promise<Dispatcher.ResponseData> {
    const { dispatcher, signal, authorize } = this.#options;
    const authorization = authorize(url);
    const sent = {
      method,
      dispatcher,
      signal,
      headers: authorization === null ? headers : { ...headers, authorization },
      ...(body === undefined ? {} : { body }),
    };
    try {
      return await request(url, sent);
    } catch (error) {
      // A kept connection may be closed by the server just then; asking again changes nothing there.
      if (!isStaleConnection(error)) throw error;
      return request(url, sent);
    }
  }

  async #wholeBody(answer: Dispatcher.ResponseData): Promise<Buffer> {
    const { statusCode } = answer;
    if (statusCode !== 200) {
      await answer.body.dump({ limit: 65_536 });
      if (statusCode === 401 || statusCode === 403) throw authFailure(this.#said(`the server answered ${statusCode}`));
      throw this.#failed(`the server answered ${statusCode}`);
    }
    const body = await this.#limitedBody(answer);
    const packets = packetsOf(body);
    // Absence is no evidence if the end may be missing.
    if (packets?.at(-1) !== null) throw this.#failed('the answer is cut short or not git');
    const refusal = packets.find((packet) => packet?.startsWith('ERR ') === true);
    if (refusal !== undefined) throw this.#failed(`the server says ${JSON.stringify(refusal?.slice(4, 300))}`);
    return body;
  }

  #learn(announcement: Buffer): Buffer {
    const lines = (packetsOf(announcement) ?? []).flatMap((packet) => (packet === null ? [] : [packet.trimEnd()]));
    if (lines.every((line) => line.startsWith('# service='))) throw new NoRefs();
    this.#objectFormat =
      lines.find((line) => line.startsWith('object-format='))?.slice('object-format='.length) ?? null;
    if (lines.includes('version 2') && announcement.length <= ANNOUNCED_BYTES) this.#announced = announcement;
    return announcement;
  }

  async #limitedBody(answer: Dispatcher.ResponseData): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > this.#options.maxBytes) throw this.#failed(`the answer has more than ${this.#options.maxBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #said(why: string): string {
    const where = this.#base === this.#options.repo ? '' : ` (redirected to "${this.#base}")`;
    return redact(`list "${this.#options.repo}"${where}: ${why}`, this.#options.secrets);
  }

  #failed(why: string): MainspringError {
    return new MainspringError('git-list-failed', this.#said(why), {
      retry: 'after-interval',
      hint: 'Is the URL right, and does the repo exist? A private one may need a [git_auth] section.',
    });
  }
}

function isStaleConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
