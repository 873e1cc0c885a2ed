import assert from 'node:assert/strict';

/** What a text in the format of Prometheus says (exposition format 0.0.4): kinds by name, values by name and labels. */
export interface Exposition {
  readonly kinds: ReadonlyMap<string, string>;
  /** By `name{label="value",…}`, labels sorted, values not escaped. */
  readonly values: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|\})/;

/** Reads the format by its description, and fails at anything that does not follow it. It shares nothing with what writes it. */
export function parseExposition(text: string): Exposition {
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  const kinds = new Map<string, string>();
  const values = new Map<string, number>();
  const finished = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what, name = '', rest = ''] = comment;
      if (what === 'TYPE') {
        assert.ok(['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest), line);
        assert.ok(!kinds.has(name), `two TYPE lines: ${name}`);
        kinds.set(name, rest);
      }
      if (name !== current) {
        assert.ok(!finished.has(name), `${name} is not in one group`);
        finished.add(current);
        current = name;
      }
      continue;
    }
    const { name, labels, value } = parseSample(line);
    const family = [name, name.replace(/_(bucket|sum|count)$/, '')].find((candidate) => kinds.has(candidate));
    assert.equal(family, current, `outside of its group: ${line}`);
    const key = `${name}{${labels.sort().join(',')}}`;
    assert.ok(!values.has(key), `twice: ${key}`);
    values.set(key, value);
  }
  for (const [name, kind] of kinds) if (kind === 'histogram') checkHistogram(name, values);
  return { kinds, values };
}

function parseSample(line: string): { readonly name: string; readonly labels: string[]; readonly value: number } {
  const name = NAME.exec(line)?.[0];
  assert.ok(name !== undefined, line);
  let rest = line.slice(name.length);
  const labels: string[] = [];
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (let end = ''; end !== '}'; ) {
      const match = LABEL.exec(rest);
      assert.ok(match !== null, line);
      const [whole, label, value = '', next = ''] = match;
      labels.push(`${label}=${JSON.stringify(value.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char)))}`);
      rest = rest.slice(whole.length);
      end = next;
    }
  }
  assert.match(rest, /^ (?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\+Inf|-Inf|NaN)$/i, line);
  return { name, labels, value: Number(rest.trim().replace('Inf', 'Infinity')) };
}

/** Buckets grow, the last is the count, and there is a sum. */
function checkHistogram(name: string, values: ReadonlyMap<string, number>): void {
  const last = new Map<string, { le: number; count: number }>();
  for (const [key, count] of values) {
    const match = new RegExp(`^${name}_bucket\\{(.*?),?le="([^"]+)"(.*)\\}$`).exec(key);
    if (match === null) continue;
    const series = `${match[1]}${match[3]}`.replace(/^,/, '');
    const le = Number(match[2]?.replace('Inf', 'Infinity'));
    const before = last.get(series);
    assert.ok(before === undefined || (before.le < le && before.count <= count), key);
    last.set(series, { le, count });
  }
  for (const [series, { le, count }] of last) {
    assert.equal(le, Number.POSITIVE_INFINITY, series);
    assert.equal(values.get(`${name}_count{${series}}`), count);
    assert.ok(values.has(`${name}_sum{${series}}`), series);
  }
}
