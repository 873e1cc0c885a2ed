import { stripVTControlCharacters, styleText } from 'node:util';
import type { Problem } from '../model/errors.ts';

/** Where a command writes: standard output, or standard error. */
export type Out = NodeJS.WritableStream;

/** What a text is painted as. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Paints a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** A `Paint` that paints, or one that does not. */
export function painter(isColoured: boolean): Paint {
  return isColoured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** Whether to write colours: on a terminal that is not dumb, unless NO_COLOR says otherwise (no-color.org). */
export function wantsColour(out: Out, env: Readonly<Record<string, string | undefined>>): boolean {
  const isTerminal = 'isTTY' in out && out.isTTY === true;
  return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** A text from outside (a branch, an author, an error of git) on one line and without anything that a terminal would obey. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\p{Cc}|\p{Cf}/gu, '\ufffd');
}

/** Rows as columns, two spaces apart. Painted cells keep their width. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(cell));
    });
  return rows.map(
    (row) =>
      indent +
      row
        .map((cell, i) => padded(cell, widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
  );
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** A commit or a hash as people name it. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** An instant as people read it: `2026-01-31 17:05:09Z`. */
export function timeText(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** An error in the house form: code and message, and what to do. */
export function errorText(problem: Pick<Problem, 'code' | 'message' | 'hint'>, paint: Paint): string {
  const head = `${paint('red', `error[${problem.code}]`)}: ${lines(problem.message)}\n`;
  return problem.hint === null ? head : `${head}  ${paint('cyan', 'hint')}: ${lines(problem.hint)}\n`;
}

function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/\p{Cc}|\p{Cf}/gu, '\ufffd'))
    .join('\n');
}

/** Writes, and waits while the other side is slower. */
export async function write(out: Out, text: string): Promise<void> {
  if (out.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) out.removeListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) out.once(event, done);
  });
}
