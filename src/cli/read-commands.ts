import { resolve } from 'node:path';
import { isoTime } from '../model/clock.ts';
import { parseDurationMs } from '../model/duration.ts';
import { MainspringError } from '../model/errors.ts';
import { EXIT } from './exit-code.ts';
import { type ReadOptions, withReader } from './open-reader.ts';
import type { CommandIo, CommandPorts } from './ports.ts';
import { painter, write } from './terminal.ts';

/** What the commands are run with. */
export interface CommandContext {
  readonly ports: CommandPorts;
  readonly io: CommandIo;
}

interface JsonOption {
  readonly json?: boolean;
}

/** `status`: what runs. */
export async function statusCommand(options: ReadOptions & JsonOption, context: CommandContext): Promise<number> {
  const { io } = context;
  const status = await withReader(options, context, (reader) => reader.status());
  if (options.json) await write(io.stdout, jsonText(status));
  else {
    const { renderStatus } = await import('./render-status.ts');
    await write(io.stdout, renderStatus(status, painter(io.colour)));
  }
  return EXIT.fine;
}

interface PlanFlags extends ReadOptions, JsonOption {
  readonly ref?: string;
  readonly dir?: string;
  readonly markdown?: boolean;
  readonly check?: boolean;
}

/** `plan`: what would change. Fails where the config would be rejected; with `--check` says by its exit code whether anything changes. */
export async function planCommand(options: PlanFlags, context: CommandContext): Promise<number> {
  const { io } = context;
  const dir = options.dir === undefined ? null : resolve(io.cwd, options.dir);
  const plan = await withReader(options, context, (reader) => reader.plan({ ref: options.ref ?? null, dir }));
  const { renderPlan, renderPlanMarkdown } = await import('./render-plan.ts');
  const text = options.json
    ? jsonText(plan)
    : options.markdown
      ? renderPlanMarkdown(plan)
      : renderPlan(plan, painter(io.colour));
  await write(io.stdout, text);
  if (plan.errors.length > 0) return EXIT.failed;
  const isChange = plan.steps.length + plan.cancelled.length + plan.blocked.length > 0;
  return options.check && isChange ? EXIT.changes : EXIT.fine;
}

interface ExplainFlags extends ReadOptions, JsonOption {
  readonly env?: string;
}

/** `explain`: why an app is as it is. */
export async function explainCommand(app: string, options: ExplainFlags, context: CommandContext): Promise<number> {
  const { io } = context;
  const query = { app, env: options.env ?? null };
  const explanation = await withReader(options, context, (reader) => reader.explain(query));
  if (options.json) await write(io.stdout, jsonText(explanation));
  else {
    const { renderExplanation } = await import('./render-explain.ts');
    await write(io.stdout, renderExplanation(explanation, painter(io.colour)));
  }
  return EXIT.fine;
}

interface LogsFlags extends ReadOptions {
  readonly env: string;
  readonly build?: boolean;
  readonly follow?: boolean;
  readonly tail: number;
}

/** `logs`: what an app, or its build, prints. */
export async function logsCommand(app: string, options: LogsFlags, context: CommandContext): Promise<number> {
  const { io } = context;
  const { env, tail, build = false, follow = false } = options;
  return await withReader(options, context, async (reader) => {
    for await (const line of reader.logs({ app, env, build, follow, tail }, io.signal)) {
      await write(io.stdout, `${line.text}\n`);
    }
    return EXIT.fine;
  });
}

interface AuditFlags extends ReadOptions, JsonOption {
  readonly app?: string;
  readonly env?: string;
  readonly since?: string;
}

/** `audit`: the log, oldest first. */
export async function auditCommand(options: AuditFlags, context: CommandContext): Promise<number> {
  const { io } = context;
  const since = options.since === undefined ? null : sinceTime(options.since, io.clock.now());
  const filter = { app: options.app ?? null, env: options.env ?? null, since };
  const { renderAuditLine } = await import('./render-audit.ts');
  const paint = painter(io.colour);
  return await withReader(options, context, async (reader) => {
    for await (const line of reader.audit(filter)) {
      if (io.signal.aborted) break;
      await write(io.stdout, options.json ? `${JSON.stringify(line)}\n` : renderAuditLine(line, paint));
    }
    return EXIT.fine;
  });
}

/** `audit verify`: whether the log is as it was written. */
export async function verifyCommand(
  options: ReadOptions & { readonly head?: string },
  context: CommandContext,
): Promise<number> {
  const { io } = context;
  const verdict = await withReader(options, context, (reader) => reader.verifyAudit(options.head ?? null));
  if (verdict.ok) {
    await write(io.stdout, `${verdict.message} (${verdict.lines} lines, head ${verdict.head})\n`);
    return EXIT.fine;
  }
  throw new MainspringError('audit-broken', verdict.message, {
    hint: `The log is good up to ${verdict.head}. Compare it with a copy that was kept elsewhere.`,
  });
}

interface WaitFlags extends ReadOptions {
  readonly commit?: string;
  readonly env?: string;
  readonly timeout: number;
}

/** `wait`: until a commit is settled. */
export async function waitCommand(options: WaitFlags, context: CommandContext): Promise<number> {
  const { io } = context;
  const paint = painter(io.errorColour);
  const { waitForCommit } = await import('./wait.ts');
  const { oneLine } = await import('./terminal.ts');
  const say = (message: string) => io.stderr.write(`${paint('dim', oneLine(message))}\n`);
  const outcome = await withReader(options, context, (reader) =>
    waitForCommit(
      { commit: options.commit ?? null, env: options.env ?? null, timeoutMs: options.timeout },
      { reader, clock: io.clock, signal: io.signal, say },
    ),
  );
  if (outcome.kind === 'live') {
    await write(io.stdout, `${oneLine(outcome.message)}\n`);
    return EXIT.fine;
  }
  if (outcome.kind === 'timed-out') throw new MainspringError('timed-out', `wait: ${outcome.message}`);
  const reasons = outcome.reasons.map((reason) => `  ${oneLine(reason)}\n`).join('');
  await write(io.stderr, `${paint('red', oneLine(outcome.message))}\n${reasons}`);
  return EXIT.failed;
}

/** A time as `--since` takes it: a duration ago, or an instant; as ISO 8601. Undefined if the text is neither. */
export function parseSince(text: string, now: number): string | undefined {
  const ago = parseDurationMs(text);
  if (ago !== undefined) return isoTime(now - ago);
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : isoTime(ms);
}

function sinceTime(text: string, now: number): string {
  const since = parseSince(text, now);
  if (since !== undefined) return since;
  throw new MainspringError(
    'usage',
    `--since: should be a duration such as "2h" or a time such as "2026-01-31T12:00Z", got "${text}"`,
  );
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
