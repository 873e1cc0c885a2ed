import type { Json } from '../model/json.ts';
import type { PlanDocument, PlanStep, SurfaceError } from '../model/surface.ts';
import { byEnvironment } from './environment-order.ts';
import { configErrorLines } from './render-status.ts';
import { columns, oneLine, type Paint, type Style, shortId } from './terminal.ts';

const SIGNS: Readonly<Record<PlanStep['kind'], { readonly sign: string; readonly style: Style }>> = {
  create: { sign: '+', style: 'green' },
  update: { sign: '~', style: 'yellow' },
  remove: { sign: '-', style: 'red' },
};

/** Longer values are cut in text; JSON has them whole. */
const LONGEST_VALUE = 60;

/** What would change, as a person reads it on a terminal. */
export function renderPlan(plan: PlanDocument, paint: Paint): string {
  const lines = [
    paint('bold', headline(plan)),
    ...plan.errors.flatMap((error) => configErrorLines(error, paint)),
    ...environmentsOf(plan).flatMap((env) => environmentLines(plan, env, paint)),
    ...brakeLines(plan).map((line) => paint('red', line)),
    ...remarks(plan).map((note) => `${paint('cyan', 'note')}: ${oneLine(note)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The first line: which commit, and how much would change. */
export function headline(plan: PlanDocument): string {
  const of = plan.config_commit === null ? 'Plan' : `Plan for ${shortId(plan.config_commit)}`;
  if (plan.errors.length > 0) return `${of}: rejected, what runs goes on`;
  const parts = environmentsOf(plan).flatMap((env) => {
    const counts = countsIn(plan, env);
    return counts.length === 0 ? [] : [`${counts.join(', ')} in ${oneLine(env)}`];
  });
  return `${of}: ${parts.length === 0 ? 'nothing changes' : parts.join('; ')}`;
}

function countsIn(plan: PlanDocument, env: string): string[] {
  const count = (kind: PlanStep['kind']) => plan.steps.filter((step) => step.env === env && step.kind === kind).length;
  const counts = [
    [count('create'), 'to create'],
    [count('update'), 'to update'],
    [count('remove'), 'to remove'],
    [plan.blocked.filter((one) => one.env === env).length, 'blocked'],
    [plan.cancelled.filter((one) => one.env === env).length, 'given up'],
  ] as const;
  return counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
}

/** The environments that a plan speaks of: production first, then stage. */
function environmentsOf({ steps, blocked, cancelled, releases = [] }: PlanDocument): string[] {
  return [...new Set([...steps, ...blocked, ...cancelled, ...releases].map(({ env }) => env))].sort(byEnvironment);
}

function environmentLines(plan: PlanDocument, env: string, paint: Paint): string[] {
  const isHere = (of: { readonly env: string }) => of.env === env;
  return [
    paint('bold', oneLine(env)),
    ...stepLines(plan.steps.filter(isHere), paint),
    ...plan.blocked
      .filter(isHere)
      .map(
        ({ app, message, hint }) =>
          `  ${paint('red', '!')}  ${oneLine(app)} can't be planned: ${oneLine(message)}${hint === null ? '' : ` (${oneLine(hint)})`}`,
      ),
    ...plan.cancelled
      .filter(isHere)
      .map(({ app }) => `  ${paint('dim', 'x')}  ${oneLine(app)}: what is on its way is given up`),
    ...(plan.releases ?? [])
      .filter(isHere)
      .map((release) => `  ${paint('cyan', '=')}  ${oneLine(releaseText(release))}`),
  ];
}

function stepLines(steps: readonly PlanStep[], paint: Paint): string[] {
  const rows = columns(
    steps.map((step) => {
      const { sign, style } = SIGNS[step.kind];
      return [paint(style, sign), paint(style, step.kind), oneLine(step.app), oneLine(detail(step))];
    }),
    '  ',
  );
  return rows.flatMap((row, index) => [row, ...noteLines(steps[index], paint)]);
}

function noteLines(step: PlanStep | undefined, paint: Paint): string[] {
  if (step === undefined) return [];
  const changes = columns(
    (step.changes ?? []).map(({ argument, from, to }) => [
      oneLine(argument),
      oneLine(`${valueText(from)} → ${valueText(to)}`),
    ]),
    '       ',
  );
  const held = step.held ? [`       ${paint('red', 'held')}: ${oneLine(step.held)}`] : [];
  return [
    ...changes,
    ...held,
    ...(step.notes ?? []).map((note) => `       ${paint('cyan', 'note')}: ${oneLine(note)}`),
  ];
}

/** What a step changes, in words. */
export function detail(step: PlanStep): string {
  const revisions = [step.from, step.to].map((side) => (side === null ? '' : shortId(side.revision))).filter(Boolean);
  const path = revisions[0] === revisions[1] ? (revisions[0] ?? '') : revisions.join(' → ');
  const isListed = step.changes !== undefined || step.changed.length === 0;
  const changed = isListed ? '' : `changed: ${step.changed.join(', ')}`;
  const gentle = step.effect === 'policy' ? 'without a restart' : '';
  return [path, changed, gentle, step.effect === 'policy' ? '' : buildText(step)].filter(Boolean).join(', ');
}

function buildText({ build, because = '' }: PlanStep): string {
  if (build === undefined) return '';
  if (build === 'reuse') return `no build (${because})`;
  return because.startsWith('rebuild') ? because : `build (${because})`;
}

function valueText(value: Json): string {
  const source = isSource(value) ? value.commit : null;
  if (source !== null) return shortId(source);
  const text = JSON.stringify(value);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}

/** Files are named by their commit. */
function isSource(value: Json): value is { readonly commit: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'tree' in value &&
    'commit' in value &&
    typeof value.commit === 'string'
  );
}

function releaseText({ id, members, joins, blocked_by }: NonNullable<PlanDocument['releases']>[number]): string {
  const joined = joins.length === 0 ? '' : `, with what was in ${joins.join(', ')}`;
  const blocked = blocked_by.length === 0 ? '' : `; blocked by ${blocked_by.join(', ')}`;
  return `release ${id}: ${members.join(', ')} switch as one${joined}${blocked}`;
}

function brakeLines(plan: PlanDocument): string[] {
  if (plan.removal_hash === null) return [];
  return [
    `A large share of production would go, so the removals wait for main to say release(allow_removal = "${plan.removal_hash}").`,
  ];
}

function remarks(plan: PlanDocument): string[] {
  return [...plan.notes, ...plan.not_in_effect.map((name) => `the setting ${name} has no effect in this version`)];
}

/** The same for a comment on a pull request. Everything from outside stands in code spans, so that it can't be markup. */
export function renderPlanMarkdown(plan: PlanDocument): string {
  const steps = plan.steps.toSorted((a, b) => byEnvironment(a.env, b.env));
  const sections = [
    `### ${headline(plan)}`,
    plan.errors.map(errorItem).join('\n'),
    stepTable(steps),
    [...steps.flatMap(changeItems), ...steps.flatMap(stepNotes)].join('\n'),
    plan.blocked
      .map(({ env, app, message }) => `- ${code(env)} ${code(app)} can't be planned: ${code(message)}`)
      .join('\n'),
    plan.cancelled.map(({ env, app }) => `- ${code(env)} ${code(app)}: what is on its way is given up`).join('\n'),
    (plan.releases ?? []).map((release) => `- ${code(release.env)}: ${code(releaseText(release))}`).join('\n'),
    brakeLines(plan).join('\n'),
    remarks(plan)
      .map((note) => `- ${code(note)}`)
      .join('\n'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function errorItem(error: SurfaceError): string {
  const place = error.line === null ? error.file : `${error.file}:${error.line}`;
  const hint = error.hint === null ? '' : `  \n  ${code(error.hint)}`;
  return `- ${code(place)}: ${code(error.message)}${hint}`;
}

function stepTable(steps: readonly PlanStep[]): string {
  if (steps.length === 0) return '';
  const rows = steps.map((step) => `| ${step.kind} | ${code(step.env)} | ${code(step.app)} | ${code(detail(step))} |`);
  return ['| | environment | app | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function changeItems({ env, app, changes = [] }: PlanStep): string[] {
  return changes.map(
    ({ argument, from, to }) =>
      `- ${code(env)} ${code(app)} ${code(argument)}: ${code(valueText(from))} → ${code(valueText(to))}`,
  );
}

function stepNotes(step: PlanStep): string[] {
  const held = step.held ? [`held: ${step.held}`] : [];
  return [...held, ...(step.notes ?? [])].map((note) => `- ${code(step.app)}: ${code(note)}`);
}

/** A code span that nothing inside can end; `|` would end a cell of a table even in there. */
function code(text: string): string {
  const plain = oneLine(text).replaceAll('|', '¦');
  if (plain.trim() === '') return '';
  const longest = Math.max(0, ...Array.from(plain.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${plain}${fence}` : `${fence} ${plain} ${fence}`;
}
