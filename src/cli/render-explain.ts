import type { Explanation } from '../model/surface.ts';
import { renderAuditLine } from './render-audit.ts';
import { oneLine, type Paint } from './terminal.ts';

/** How many of the last events a person is shown; JSON has more. */
const EVENTS = 8;

/** Why an app is as it is, as a person reads it: by environment, the chain of causes and the last events. */
export function renderExplanation({ app, environments }: Explanation, paint: Paint): string {
  const blocks = environments.map(({ env, url, sentences, events }) => {
    const title = `${paint('bold', oneLine(app))} in ${paint('bold', oneLine(env))}  ${paint('cyan', oneLine(url))}`;
    const last = events.slice(-EVENTS).map((line) => `    ${renderAuditLine(line, paint).trimEnd()}`);
    return [
      title.trimEnd(),
      ...sentences.map((sentence) => `  ${oneLine(sentence)}`),
      ...(last.length === 0 ? [] : [`  ${paint('dim', 'last events')}`, ...last]),
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}
