import { PassThrough } from 'node:stream';
import type { CommandIo, CommandPorts } from '../../src/cli/ports.ts';
import { runCli } from '../../src/cli/program.ts';
import type { AuditVerdict, Reader } from '../../src/cli/reader.ts';
import type {
  AuditFilter,
  AuditLine,
  ExplainQuery,
  Explanation,
  LogsQuery,
  PlanDocument,
  Status,
  SurfaceLogLine,
} from '../../src/model/surface.ts';

/** A status in which nothing runs and nothing is to be done. */
export const EMPTY_STATUS: Status = {
  version: '0.1.0',
  config: {
    repo: '/srv/config.git',
    branch: 'main',
    commit: 'a'.repeat(40),
    accepted: 'a'.repeat(40),
    planned: 'a'.repeat(40),
    errors: [],
  },
  settled: true,
  environments: [{ name: 'prod', kind: 'prod', parked: false, cause: null, deployments: [] }],
  releases: [],
  sources: [],
  audit: { head: `0:${'0'.repeat(64)}` },
};

/** A plan of nothing. */
export const EMPTY_PLAN: PlanDocument = {
  config_commit: 'a'.repeat(40),
  steps: [],
  summary: { create: 0, update: 0, remove: 0, blocked: 0 },
  blocked: [],
  cancelled: [],
  removal_hash: null,
  errors: [],
  notes: [],
  not_in_effect: [],
};

/** An event of the log. */
export function auditLine(change: Partial<AuditLine> = {}): AuditLine {
  return {
    id: 1,
    at: '2026-01-01T00:00:00.000Z',
    kind: 'installation.created',
    env: null,
    app: null,
    cause: { kind: 'bootstrap' },
    detail: {},
    prev: '0'.repeat(64),
    hash: '1'.repeat(64),
    ...change,
  };
}

/** Answers from memory and notes what it was asked for. */
export class FakeReader implements Reader {
  readonly asked: unknown[] = [];
  explanation: Explanation = { app: '/a', environments: [] };
  isClosed = false;
  statusValue: Status = EMPTY_STATUS;
  planValue: PlanDocument = EMPTY_PLAN;
  lines: readonly AuditLine[] = [auditLine()];
  verdict: AuditVerdict = { ok: true, message: 'the log is as it was written', lines: 1, head: `1:${'1'.repeat(64)}` };

  async status(): Promise<Status> {
    return this.statusValue;
  }
  async plan(options: { readonly ref: string | null; readonly dir: string | null }): Promise<PlanDocument> {
    this.asked.push(options);
    return this.planValue;
  }
  async *audit(filter: AuditFilter): AsyncIterable<AuditLine> {
    this.asked.push(filter);
    yield* this.lines;
  }
  async verifyAudit(head: string | null): Promise<AuditVerdict> {
    this.asked.push(head);
    return this.verdict;
  }
  async *logs(query: LogsQuery): AsyncIterable<SurfaceLogLine> {
    this.asked.push(query);
    yield { at: null, stream: 'stdout', text: 'hello' };
  }
  async tip(): Promise<string> {
    return 'a'.repeat(40);
  }
  async explain(query: ExplainQuery): Promise<Explanation> {
    this.asked.push(query);
    return this.explanation;
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

/** What a command left behind. */
export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ports that refuse whatever a test did not bring. */
export function fakePorts(change: Partial<CommandPorts> = {}): CommandPorts {
  const refuse = async (): Promise<never> => {
    throw new Error('this test does not do that');
  };
  return {
    version: '0.1.0 (commit 1a2b3c4d)',
    serve: refuse,
    check: refuse,
    demo: refuse,
    createStore: refuse,
    openLocalReader: refuse,
    verifyChain: refuse,
    listConfigRepo: refuse,
    lookAtContainers: async () => [],
    ...change,
  };
}

/** Runs the program in memory, without a terminal. */
export async function runForTest(
  args: readonly string[],
  { ports = {}, io = {} }: { readonly ports?: Partial<CommandPorts>; readonly io?: Partial<CommandIo> } = {},
): Promise<Ran> {
  const stdout = collect();
  const stderr = collect();
  const around: CommandIo = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    colour: false,
    errorColour: false,
    env: {},
    cwd: '/',
    clock: { now: () => Date.UTC(2026, 6, 1), sleep: async () => {} },
    signal: new AbortController().signal,
    ...io,
  };
  const exit = await runCli(args, { ports: fakePorts(ports), io: around });
  return { exit, stdout: stdout.text(), stderr: stderr.text() };
}

function collect() {
  const stream = new PassThrough();
  let all = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk;
  });
  const text = () => {
    const rest: unknown = stream.read();
    return all + (typeof rest === 'string' ? rest : '');
  };
  return { stream, text };
}
