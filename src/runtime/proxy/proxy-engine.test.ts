import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { InstanceId } from '../../model/ids.ts';
import { parseAllow } from '../../model/proxy-target.ts';
import type { InstanceRequest } from '../engine.ts';
import { ProxyEngine } from './proxy-engine.ts';

interface Start {
  readonly variables?: Record<string, string>;
  readonly allow?: readonly string[];
}

async function start(t: TestContext, url: unknown, { variables = {}, allow = ['10.1.0.0/16'] }: Start = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const engine = new ProxyEngine({ dataDir, allow: parseAllow(allow) });
  const request = { id: 'i-1' as InstanceId, app: '/docs', spec: { params: { url } }, variables };
  return engine.start(request as unknown as InstanceRequest, new AbortController().signal);
}

for (const url of [
  'http://127.0.0.1:9000',
  'http://169.254.169.254/',
  'http://10.2.0.1',
  'ftp://a.example.com',
  'https://u:p@a.example.com',
  'unix:/run/http.sock',
  'unix:http.sock',
  7,
]) {
  test(`a proxy to ${url} is refused`, async (t) => {
    await assert.rejects(start(t, url), { code: 'proxy-target-refused' });
  });
}

test('a public name is taken as it is, without a slash at the end', async (t) => {
  const target = await start(t, 'https://docs.example.com/base/');
  assert.deepEqual(target, { kind: 'http', url: 'https://docs.example.com/base', external: true });
});

test('an address that the settings allow is fine', async (t) => {
  assert.deepEqual(await start(t, 'http://10.1.2.3:81'), { kind: 'http', url: 'http://10.1.2.3:81', external: true });
});

test('the value of the environment wins', async (t) => {
  const target = await start(t, 'https://a.example.com', { variables: { url: 'https://b.example.com' } });
  assert.deepEqual(target, { kind: 'http', url: 'https://b.example.com', external: true });
});

test('a Unix socket that the settings allow is fine, also while it is not there', async (t) => {
  const folder = await socketFolder(t);
  const url = `unix:${folder}/http.sock`;
  const target = await start(t, `${url}:/base/`, { allow: [`unix:${folder}/`] });
  assert.deepEqual(target, { kind: 'http', url: `${url}:/base`, external: true });
});

test('a Unix socket that the settings do not allow is refused, and so is a link that leads to one', async (t) => {
  const folder = await socketFolder(t);
  await writeFile(join(folder, 'other.sock'), '');
  await symlink(join(folder, 'other.sock'), join(folder, 'http.sock'));
  const allow = [`unix:${folder}/http.sock`];
  await assert.rejects(start(t, `unix:${folder}/other.sock`, { allow }), { code: 'proxy-target-refused' });
  await assert.rejects(start(t, `unix:${folder}/http.sock`, { allow }), {
    code: 'proxy-target-refused',
    message: `start "i-1" of "/docs": params url: expected a Unix socket that [proxy] allow names, itself or a folder above it; "${folder}/http.sock" leads to "${folder}/other.sock"`,
  });
});

async function socketFolder(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mainspring-test-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
