const KEY = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')`;
const DOTTED = String.raw`${KEY}(?:\s*\.\s*${KEY})*`;
const HEADER = new RegExp(String.raw`^\s*\[\[?\s*(${DOTTED})\s*\]`);
const ASSIGNMENT = new RegExp(String.raw`^\s*(${DOTTED})\s*=(.*)$`);

/**
 * Says on which line of a TOML text a key stands: its own line, else that of the nearest section or key around it, else
 * null. The parser gives no positions of values, so this is a scan of the lines, good enough to point a person there.
 */
export function tomlLines(text: string): (path: readonly string[]) => number | null {
  const lines = new Map<string, number>();
  let section: readonly string[] = [];
  let closing: string | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (closing !== null) {
      if (line.includes(closing)) closing = null;
      continue;
    }
    const header = HEADER.exec(line);
    const assignment = header === null ? ASSIGNMENT.exec(line) : null;
    if (header !== null) section = keyParts(header[1] ?? '');
    const path = assignment === null ? section : [...section, ...keyParts(assignment[1] ?? '')];
    if (header !== null || assignment !== null) note(lines, path, index + 1);
    closing = openQuotes(assignment?.[2] ?? '');
  }
  return (path) => nearest(lines, path);
}

function note(lines: Map<string, number>, path: readonly string[], line: number): void {
  const key = JSON.stringify(path);
  if (!lines.has(key)) lines.set(key, line);
}

function nearest(lines: ReadonlyMap<string, number>, path: readonly string[]): number | null {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(JSON.stringify(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return null;
}

function keyParts(dotted: string): string[] {
  return Array.from(dotted.matchAll(new RegExp(KEY, 'g')), ([part]) => part.replace(/^(["'])(.*)\1$/, '$2'));
}

/** The quotes that must come before the value is over, where a text of several lines begins. */
function openQuotes(value: string): string | null {
  const opening = /^\s*("""|''')/.exec(value)?.[1];
  if (opening === undefined) return null;
  return value.trimStart().slice(3).includes(opening) ? null : opening;
}
