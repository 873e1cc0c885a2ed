import type { PlanDocument, PlanStep, SurfaceError } from '../model/surface.ts';
import { configErrorLines } from './render-status.ts';
import { columns, oneLine, type Paint, type Style, shortId } from './terminal.ts';

const SIGNS: Readonly<Record<PlanStep['kind'], { readonly sign: string; readonly style: Style }>> = {
  create: { sign: '+', style: 'green' },
  update: { sign: '~', style: 'yellow' },
  remove: { sign: '-', style: 'red' },
};

/** What would change, as a person reads it on a terminal. */
export function renderPlan(plan: PlanDocument, paint: Paint): string {
  const lines = [
    paint('bold', headline(plan)),
    ...plan.errors.flatMap((error) => configErrorLines(error, paint)),
    ...stepLines(plan, paint),
    ...plan.blocked.map(
      ({ env, app, message, hint }) =>
        `  ${paint('red', '!')} ${oneLine(env)} ${oneLine(app)} can't be planned: ${oneLine(message)}${hint === null ? '' : ` (${oneLine(hint)})`}`,
    ),
    ...plan.cancelled.map(
      ({ env, app }) => `  ${paint('dim', 'x')} ${oneLine(env)} ${oneLine(app)}: what is on its way is given up`,
    ),
    ...brakeLines(plan).map((line) => paint('red', line)),
    ...remarks(plan).map((note) => `${paint('cyan', 'note')}: ${oneLine(note)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The first line: which commit, and how much would change. */
export function headline(plan: PlanDocument): string {
  const of = plan.config_commit === null ? 'Plan' : `Plan for ${shortId(plan.config_commit)}`;
  if (plan.errors.length > 0) return `${of}: rejected, what runs goes on`;
  const { create, update, remove, blocked } = plan.summary;
  const counts = [
    [create, 'to create'],
    [update, 'to update'],
    [remove, 'to remove'],
    [blocked, 'blocked'],
  ] as const;
  const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${of}: ${parts.length === 0 ? 'nothing changes' : parts.join(', ')}`;
}

function stepLines(plan: PlanDocument, paint: Paint): string[] {
  const rows = columns(
    plan.steps.map((step) => {
      const { sign, style } = SIGNS[step.kind];
      return [paint(style, sign), paint(style, step.kind), oneLine(step.env), oneLine(step.app), oneLine(detail(step))];
    }),
    '  ',
  );
  return rows.flatMap((row, index) => [row, ...noteLines(plan.steps[index], paint)]);
}

function noteLines(step: PlanStep | undefined, paint: Paint): string[] {
  const held = step?.held ? [`      ${paint('red', 'held')}: ${oneLine(step.held)}`] : [];
  return [...held, ...(step?.notes ?? []).map((note) => `      ${paint('cyan', 'note')}: ${oneLine(note)}`)];
}

/** What a step changes, in words. */
export function detail(step: PlanStep): string {
  const revisions = [step.from, step.to].map((side) => (side === null ? '' : shortId(side.revision))).filter(Boolean);
  const path = revisions[0] === revisions[1] ? (revisions[0] ?? '') : revisions.join(' → ');
  const changed = step.changed.length === 0 ? '' : `changed: ${step.changed.join(', ')}`;
  const gentle = step.effect === 'policy' ? 'without a restart' : '';
  return [path, changed, gentle].filter(Boolean).join(', ');
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
  const sections = [
    `### ${headline(plan)}`,
    plan.errors.map(errorItem).join('\n'),
    stepTable(plan.steps),
    plan.blocked
      .map(({ env, app, message }) => `- ${code(env)} ${code(app)} can't be planned: ${code(message)}`)
      .join('\n'),
    plan.cancelled.map(({ env, app }) => `- ${code(env)} ${code(app)}: what is on its way is given up`).join('\n'),
    brakeLines(plan).join('\n'),
    [...plan.steps.flatMap((step) => stepNotes(step)), ...remarks(plan).map((note) => `- ${code(note)}`)].join('\n'),
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
