import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findCycle, importsOf, readImports, root, sourcesBelow } from './imports.ts';

interface Room {
  readonly name: string;
  readonly path: string;
  readonly mayImport: ReadonlySet<string> | 'everything';
}

const architecture = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

/** The rows of the table in docs/architecture.md. */
function readRooms(): Room[] {
  const rows = architecture.matchAll(/^\| `([^`]+)` \| .+ \| ([^|]+) \|$/gm);
  return [...rows].map(([, path = '', cell = '']) => ({
    name: path.replace(/^src\//, '').replace(/\/$/, ''),
    path: path.replace(/\/$/, ''),
    mayImport: cell.trim() === 'everything' ? 'everything' : new Set(cell.trim().split(', ')),
  }));
}

const rooms = readRooms();
const files = rooms.flatMap((room) => sourcesBelow(room.path).map((file) => ({ room, file })));

/** The room that an import leads to; undefined for packages other than our own and for Node's modules. */
function roomOf(specifier: string): Room | undefined {
  return rooms.find(({ path }) => specifier === path || specifier.startsWith(`${path}/`));
}

/** What a file pulls in when it is run, itself included. */
function runtimeClosure(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { specifier, typeOnly } of readImports(file)) {
    if (!typeOnly && existsSync(join(root, specifier))) runtimeClosure(specifier, seen);
  }
  return seen;
}

test('every folder that docs/architecture.md names exists and holds source files', () => {
  assert.ok(rooms.length > 10, 'the table was not found');
  const empty = rooms.filter(({ path }) => sourcesBelow(path).length === 0).map(({ path }) => path);
  assert.deepEqual(empty, []);
});

test('every folder and file at the top of src is named in docs/architecture.md', () => {
  const there = readdirSync(join(root, 'src')).map((name) => `src/${name}`);
  const unnamed = there.filter((path) => !path.endsWith('.test.ts') && !rooms.some((room) => room.path === path));
  assert.deepEqual(unnamed, []);
});

test('the table names only folders that are in it', () => {
  const names = new Set(['nothing', ...rooms.map(({ name }) => name)]);
  const unknown = rooms.flatMap(({ name, mayImport }) =>
    mayImport === 'everything' ? [] : [...mayImport].filter((to) => !names.has(to)).map((to) => `${name}: ${to}`),
  );
  assert.deepEqual(unknown, []);
});

test('no file imports from a folder that its own may not import', () => {
  const forbidden = files.flatMap(({ room, file }) =>
    readImports(file).flatMap(({ specifier }) => {
      const target = roomOf(specifier);
      const isInside = target === room || target === undefined;
      if (isInside || room.mayImport === 'everything' || room.mayImport.has(target.name)) return [];
      return [`${file} imports ${specifier}`];
    }),
  );
  assert.deepEqual(forbidden, []);
});

test('no file of the product imports a test or anything outside the folders of the table', () => {
  const stray = files.flatMap(({ file }) =>
    readImports(file)
      .filter(({ specifier }) => specifier.endsWith('.ts') && (!roomOf(specifier) || specifier.endsWith('.test.ts')))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  );
  assert.deepEqual(stray, []);
});

test('src/model imports nothing but zod and hashing', () => {
  const others = files.flatMap(({ room, file }) =>
    readImports(file)
      .filter(({ specifier }) => room.name === 'model' && !/^(src\/model\/.*|zod|node:crypto)$/.test(specifier))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  );
  assert.deepEqual(others, []);
});

/** The rows of the tables of folders in rooms that have some, as paths with what they are for. */
const parts = [...architecture.matchAll(/^\| `(src\/(?:reconcile|gateway|runtime)\/[a-z/-]+)\/` \| ([^|]+) \|$/gm)].map(
  ([, path = '', job = '']) => ({ path, job }),
);

for (const room of ['src/reconcile', 'src/gateway', 'src/runtime', 'src/runtime/docker']) {
  test(`the folders in ${room} are those that docs/architecture.md names`, () => {
    const there = readdirSync(join(root, room), { withFileTypes: true });
    assert.deepEqual(
      parts
        .map(({ path }) => path)
        .filter((path) => dirname(path) === room)
        .sort(),
      there
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${room}/${name}`)
        .sort(),
    );
  });
}

const pureFiles = ['desire', 'plan', 'accept', 'progress'].map((name) => [`src/reconcile/${name}.ts`]);
const pureFolders = parts.filter(({ job }) => job.startsWith('pure:')).map(({ path }) => sourcesBelow(path));

for (const [file = '', ...others] of [...pureFiles, ...pureFolders]) {
  const name = others.length === 0 ? file : dirname(file);
  test(`${name} is pure: it and what it imports use no module of Node but hashing`, () => {
    const closure = new Set([file, ...others].flatMap((member) => [...runtimeClosure(member)]));
    const impure = [...closure].flatMap((member) =>
      readImports(member)
        .filter(({ specifier, typeOnly }) => !typeOnly && /^node:(?!crypto$)/.test(specifier))
        .map(({ specifier }) => `${member} imports ${specifier}`),
    );
    assert.deepEqual(impure, []);
  });
}

test('no file of the product needs syntax that the oldest supported Node lacks', () => {
  const modern = files.filter(({ file }) => /^\s*(await )?using \w+ =/m.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(
    modern.map(({ file }) => file),
    [],
  );
});

test('folders do not import each other in a circle', () => {
  const graph = new Map<string, Set<string>>(rooms.map(({ name }) => [name, new Set()]));
  for (const { room, file } of files) {
    for (const { specifier } of readImports(file)) {
      const target = roomOf(specifier);
      if (target !== undefined && target !== room) graph.get(room.name)?.add(target.name);
    }
  }
  assert.equal(findCycle(graph), null);
});

test('files do not import each other in a circle', () => {
  const graph = new Map(
    files.map(({ file }) => [
      file,
      readImports(file)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier }) => specifier),
    ]),
  );
  assert.equal(findCycle(graph), null);
});

for (const [code, expected] of [
  ["import a from './a.ts';", ['./a.ts']],
  ["import './a.ts';", ['./a.ts']],
  ["import type { A } from './a.ts';", ['type ./a.ts']],
  ["import {\n  a,\n  type B,\n} from './a.ts';\nimport * as c from 'c';", ['./a.ts', 'c']],
  ["export { a } from './a.ts';\nexport * from './b.ts';", ['./a.ts', './b.ts']],
  ["export const from = 'x';\nconst y = 'import z';", []],
  ["// import './a.ts';\n/* import './b.ts'; */", []],
  ["const a = await import('./a.ts');", ['./a.ts']],
  ["type A = typeof import('./a.ts');", ['type ./a.ts']],
  ["new Worker(new URL('./w.ts', import.meta.url));", ['./w.ts']],
] as const) {
  test(`the imports of ${JSON.stringify(code)} are found`, () => {
    const found = importsOf(code).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier));
    assert.deepEqual(found, expected);
  });
}

test('a circle is found and told as the way round', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ]);
  assert.deepEqual(findCycle(graph), ['b', 'd', 'b']);
  assert.equal(findCycle(new Map([['a', ['b', 'c']]])), null);
});
