import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CLEAN_GIT_ENV, runTestGit } from '../test/support/git-repo.ts';

/** Paths and contents; only what is named changes. */
export type Files = Iterable<readonly [path: string, content: string]>;

/** Makes an empty bare repo. */
export async function makeBareRepo(path: string): Promise<void> {
  await runTestGit('/', ['init', '-q', '--bare', '--initial-branch=main', path]);
  await runTestGit(path, ['config', 'http.receivepack', 'true']);
}

/** Commits files on `main` of a bare repo, on top of what is there, in one `git fast-import`: seconds for ten thousand files. */
export async function importCommit(repo: string, files: Files, message: string): Promise<void> {
  const tip = await runTestGit(repo, ['rev-parse', '--quiet', '--verify', 'refs/heads/main']).catch(() => '');
  const git = spawn('git', ['fast-import', '--quiet', '--force'], {
    cwd: repo,
    env: CLEAN_GIT_ENV,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = once(git, 'exit');
  git.stdin.write(`commit refs/heads/main\ncommitter Ada <ada@example.com> ${now()} +0000\n${data(message)}`);
  if (tip !== '') git.stdin.write(`from ${tip}\n`);
  for (const [path, content] of files) git.stdin.write(`M 100644 inline ${path}\n${data(content)}`);
  git.stdin.end('\n');
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`git fast-import in ${repo} failed with ${code}`);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
