import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './imports.ts';

interface Manifest {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const readText = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest: Manifest = JSON.parse(readText('package.json'));
const lock: { packages: Record<string, Manifest> } = JSON.parse(readText('package-lock.json'));
const [product = '', development = ''] = readText('docs/dependencies.md').split('## For development');

const listed = (section: string): string[] =>
  [...section.matchAll(/^- `([^`]+)`: \S.+$/gm)].map(([, name = '']) => name);

test('docs/dependencies.md says of each dependency of the product why it is there', () => {
  assert.deepEqual(listed(product), Object.keys(manifest.dependencies ?? {}).sort());
});

test('docs/dependencies.md says of each development tool why it is there', () => {
  assert.deepEqual(listed(development), Object.keys(manifest.devDependencies ?? {}).sort());
});

test('every dependency is pinned to one version', () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  assert.deepEqual(
    Object.entries(all).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range)),
    [],
  );
});

// npm leaves out what the registry in use lacks, says nothing, and then refuses to install from such a lock file.
test('the lock file has the packages of every platform, with their hashes', () => {
  const missing = Object.entries(lock.packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => lock.packages[`node_modules/${name}`]?.integrity === undefined)
      .map((name) => `${parent} needs ${name}`),
  );
  assert.deepEqual(missing, []);
});

test('the lock file names no place that packages were fetched from', () => {
  const places = Object.values(lock.packages).map(({ resolved }) => resolved ?? '');
  assert.deepEqual(
    places.filter((place) => place.includes(':')),
    [],
  );
});
