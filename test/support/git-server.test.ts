import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runTestGit, tempDir, tempRepo } from './git-repo.ts';
import { startGitServer } from './git-server.ts';

test('a repo served with basic auth can be cloned and pushed to with the password, and not without', async (t) => {
  const root = await tempDir(t);
  const repo = await tempRepo(t, { root, name: 'team/app' });
  await repo.gitBare('config', 'http.receivepack', 'true');
  const commit = await repo.commitAndPush({ 'index.html': 'one', 'bin/run': { exec: '#!/bin/sh\n' } });
  const server = await startGitServer(t, { root, users: { ada: 'secret' } });
  const clone = join(await tempDir(t), 'clone');
  const url = `${server.url.replace('//', '//ada:secret@')}/team/app.git`;

  await runTestGit(root, ['clone', '-q', url, clone]);
  assert.equal(await runTestGit(clone, ['rev-parse', 'HEAD']), commit);
  await mkdir(join(clone, 'more'));
  await runTestGit(clone, ['commit', '-q', '--allow-empty', '-m', 'two']);
  await runTestGit(clone, ['push', '-q', 'origin', 'main']);
  assert.equal(await repo.gitBare('rev-parse', 'main'), await runTestGit(clone, ['rev-parse', 'HEAD']));

  await assert.rejects(runTestGit(root, ['ls-remote', `${server.url}/team/app.git`]));
  assert.ok(server.requests().some((request) => request.authorization?.startsWith('Basic ')));
});
