import type { AppDeclaration } from '../model/app.ts';
import { formatRoute } from '../model/route.ts';
import type { LocatedError } from '../starlark/located-error.ts';
import { oneLine, type Paint } from './terminal.ts';

/** How errors are shown to a person. */
export interface ReportStyle {
  readonly paint: Paint;
  /** One line of a file, for the excerpt; undefined where there is none. */
  readonly lineOf: (file: string, line: number) => string | undefined;
}

/** One error: `file:line:column: error: …`, the line with a caret below the column, and the hint. */
export function renderError(error: LocatedError, style: ReportStyle): string {
  const { file, line, column, message, hint } = error;
  const where = [file, line, column > 0 ? column : null].filter((part) => part !== null && part !== '').join(':');
  const prefix = where === '' ? '' : `${style.paint('bold', oneLine(where))}: `;
  const lines = [`${prefix}${style.paint('red', 'error:')} ${oneLine(message)}`, ...excerpt(error, style)];
  if (hint !== null) lines.push(`  ${style.paint('cyan', 'hint:')} ${oneLine(hint)}`);
  return lines.join('\n');
}

const MAX_EXCERPT = 160;

function excerpt(error: LocatedError, style: ReportStyle): readonly string[] {
  const line = error.line === null ? undefined : style.lineOf(error.file, error.line);
  if (line === undefined || line.trim() === '' || line.length > MAX_EXCERPT || error.column < 1) return [];
  // Columns count code points. Tabs stay tabs, so that the caret stands where the eye looks for it.
  const before = [...line].slice(0, error.column - 1).map((character) => (character === '\t' ? '\t' : ' '));
  return [`  ${line.split('\t').map(oneLine).join('\t')}`, `  ${before.join('')}${style.paint('red', '^')}`];
}

/** An app as `check --json` lists it. */
export function appSummary(app: AppDeclaration) {
  return {
    id: app.id,
    route: formatRoute(app.route),
    source: sourceText(app),
    spec: app.spec,
    file: app.position.file,
    line: app.position.line,
    not_in_effect: app.notInEffect,
  };
}

function sourceText({ source }: AppDeclaration): string {
  if (source.kind === 'none') return '-';
  if (source.kind === 'config') return `./${source.folder}`;
  return source.folder === '' ? source.url : `${source.url}//${source.folder}`;
}
