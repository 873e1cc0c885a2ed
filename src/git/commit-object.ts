import type { CommitId, TreeId } from '../model/ids.ts';
import type { CommitFacts } from './git.ts';
import { UnreadableObject } from './unreadable-object.ts';

/** A commit as far as it is needed here. */
export interface Commit extends CommitFacts {
  readonly tree: TreeId;
}

const SUBJECT_LIMIT = 200;

/** Parses a commit object. What is not UTF-8 is shown as good as it gets; control characters are left out. */
export function parseCommit(commit: CommitId, content: Buffer): Commit {
  const text = content.toString('utf8');
  const end = text.indexOf('\n\n');
  const headers = (end < 0 ? text : text.slice(0, end)).split('\n');
  const header = (name: string) => headers.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const tree = header('tree');
  if (tree === undefined) throw new UnreadableObject(`commit ${commit} is damaged`);
  const author = /^(.*?) ?<.*?> \d+ [+-]\d+$/.exec(header('author') ?? '')?.[1] ?? '';
  const subject =
    end < 0
      ? ''
      : (text
          .slice(end + 2)
          .trimStart()
          .split('\n')[0] ?? '');
  return {
    commit,
    tree: tree as TreeId,
    author: plain(author) === '' ? null : plain(author),
    subject: plain(subject).slice(0, SUBJECT_LIMIT),
  };
}

function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, '').trim();
}
