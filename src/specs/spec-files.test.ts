import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specNamed } from '../model/spec.ts';
import { readBuiltinSpecs } from './builtin-specs.ts';
import { CODE_SPECS } from './code-specs.ts';
import { readSpec } from './spec-files.ts';

const book = readBuiltinSpecs();

function faultsOf(manifest: string, containerfile: string | null = 'FROM scratch\n') {
  const read = readSpec({ name: 'x', manifest, containerfile }, book);
  return read.ok ? [] : read.faults.map(({ line, message }) => `${line}: ${message}`);
}

for (const [name, manifest, expected] of [
  ['no text at all', '', ['null: description: is missing']],
  ['no TOML', 'a = [', ['1: is no valid TOML: unfinished array']],
  ['a key that there is not', 'description = "x"\nprot = 80\n', ['2: prot: is no key of a spec']],
  ['a port that is none', 'description = "x"\nport = 99999\n', ['2: port: ']],
  [
    'a health path without its slash',
    'description = "x"\n[health]\npath = "ok"\n',
    ['3: health.path: expected a path such as'],
  ],
  [
    'an option of no type',
    'description = "x"\n[app_config.a]\ntype = "regex"\ndescription = "x"\n',
    ['3: app_config.a.type: '],
  ],
  [
    'an option without a description',
    'description = "x"\n[app_config.a]\ntype = "flag"\n',
    ['2: app_config.a.description: is missing'],
  ],
  [
    'a default that is no choice',
    'description = "x"\n[app_config.a]\ntype = "choice"\ndescription = "x"\nof = ["1"]\ndefault = "2"\n',
    ['6: app_config.a.default: is none of the choices'],
  ],
  [
    'a name without an option',
    'description = "x"\ncommand = ["run", "{main}"]\n',
    ['2: command: {main} names no option of app_config'],
  ],
  [
    'a dependency of no kind',
    'description = "x"\n[detect]\ndependencies = ["flask"]\n',
    ['3: detect.dependencies.0: expected a package'],
  ],
  ['two origins', 'description = "x"\nimage = "nginx"\n', ['null: expected only one of']],
] as const) {
  test(`a manifest with ${name} is refused, and the place is named`, () => {
    const faults = faultsOf(manifest);
    assert.equal(faults.length, expected.length, faults.join('\n'));
    for (const [index, text] of expected.entries()) assert.ok(faults[index]?.startsWith(text), faults[index]);
  });
}

test('a spec needs something to be made from', () => {
  assert.match(faultsOf('description = "x"\n', null)[0] ?? '', /expected a file Containerfile beside spec\.toml/);
  assert.match(
    faultsOf('description = "x"\ncontainerfile_of = "proxy"\n', null)[0] ?? '',
    /^2: containerfile_of: there is no spec "proxy"/,
  );
});

test('a spec may take the Containerfile of another', () => {
  const read = readSpec(
    { name: 'x', manifest: 'description = "x"\ncontainerfile_of = "python"\n', containerfile: null },
    book,
  );
  assert.ok(read.ok);
  assert.deepEqual(read.spec.container?.origin, specNamed('python', book)?.container?.origin);
});

test('one option has one shape in all built-in specs, so that "auto" can check it', () => {
  const kinds = new Map<string, string>();
  for (const { name, rules } of Object.values(book)) {
    for (const [option, { kind }] of Object.entries(rules.appConfig)) {
      assert.equal(kinds.get(option) ?? kind, kind, `${name}: ${option}`);
      kinds.set(option, kind);
    }
  }
});

test('no Containerfile of ours needs a frontend from a registry, runs as root, or leaves the time zone open', () => {
  for (const [name, { container }] of Object.entries(book)) {
    if (container?.origin.kind !== 'containerfile') continue;
    const { text } = container.origin;
    assert.doesNotMatch(text, /^# *syntax/m, name);
    assert.match(text, /^USER 10001:10001$/m, name);
    assert.match(text.slice(text.lastIndexOf('\nFROM ')), /TZ=UTC/, name);
  }
});

test('every spec of the table is there, and those without containers are as they were', () => {
  assert.deepEqual(Object.keys(CODE_SPECS), ['static', 'static_single', 'procfile', 'proxy']);
  for (const name of ['container', 'image', 'python-flask', 'node', 'go'])
    assert.equal(specNamed(name, book)?.engine, 'docker');
});
