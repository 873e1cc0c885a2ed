import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { branchLabel, envHost } from '../../src/model/environment.ts';
import { isRoute, parseRoute } from '../../src/model/route.ts';
import { never, testEvaluator, treeOf } from '../support/config.ts';
import { Story } from '../support/story.ts';

const docs = readFileSync(new URL('../../docs/environments.md', import.meta.url), 'utf8');
const DOMAINS = { domain: 'example.com', envDomain: 'env.example.com' };

/** The examples, each with the story that is told of it. */
interface Example {
  readonly config: string;
  readonly story: readonly Readonly<Record<string, string>>[];
}

const examples = [...docs.matchAll(/^```python\n(.*?)^```\n\n?(?=(.*?)(?:^```python|^## |(?![\s\S])))/gms)].map(
  ([, config = '', rest = '']): Example => ({ config, story: tableOf(rest, 'what happens') }),
);

/** The rows of the first table whose first column is called so; none if there is no such table. */
function tableOf(text: string, first: string): Readonly<Record<string, string>>[] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  if (at < 0) return [];
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const head = cells(lines[at] ?? '');
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('|'));
  const rows = lines.slice(at + 2, end < 0 ? lines.length : end);
  return rows.map((row) => Object.fromEntries(cells(row).map((cell, index) => [head[index] ?? '', cell])));
}

function unquoted(cell = ''): string {
  return cell.replace(/^`(.*)`$/, '$1');
}

test('every example of docs/environments.md is right', async (t) => {
  assert.ok(examples.length >= 14, `${examples.length} examples`);
  const evaluator = testEvaluator(t);
  for (const { config } of examples) {
    const folders = [...config.matchAll(/"\.\/([\w/]+)"/g)].map(([, folder]) => [`${folder}/index.html`, ''] as const);
    const { errors } = await evaluator.inspect(treeOf({ ...Object.fromEntries(folders), 'apps.star': config }), never);
    assert.deepEqual(errors, [], config);
  }
});

for (const [index, { config, story }] of examples.entries()) {
  if (story.length === 0) continue;
  test(`docs/environments.md, story ${index + 1}: ${story.map((row) => unquoted(row['what happens'])).join(', ')}`, async (t) => {
    const told = await Story.begin(t, testEvaluator(t), config);
    t.after(() => told.end());
    for (const row of story) {
      const line = unquoted(row['what happens']);
      await told.tell(line);
      const { said, built } = told.news();
      const actual = {
        ...('previews' in row ? { previews: told.runs('preview') } : {}),
        ...('stage' in row ? { stage: told.runs('stage') } : {}),
        ...('prod' in row ? { prod: told.runs('prod') } : {}),
        ...('built' in row ? { built: String(built) } : {}),
      };
      const { 'what happens': _, says, ...expected } = row;
      assert.deepEqual(actual, expected, `${line}\n${said}`);
      assert.ok(said.includes(unquoted(says)), `${line}: expected to be said: ${says}\n${said}`);
    }
  });
}

test('labels and hosts of docs/environments.md are as the code makes them', () => {
  const rows = tableOf(docs, 'branch');
  assert.ok(rows.length > 4);
  for (const { branch, ...row } of rows) {
    const label = branchLabel(unquoted(branch));
    const host = (route: string) => {
      const parsed = parseRoute(route);
      assert.ok(isRoute(parsed));
      return `\`${envHost(label, parsed, DOMAINS)}\``;
    };
    const expected = {
      label: `\`${label}\``,
      'host of `/sales`': host('/sales'),
      'host of `reports.:/`': host('reports.:/'),
    };
    assert.deepEqual(row, expected);
  }
});
