import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitId } from '../model/ids.ts';
import { AnswerParser, type CatFileAnswer } from './cat-file-answer.ts';
import { parseCommit } from './commit-object.ts';
import { failureKind, lastWords, redact } from './failure.ts';
import { leavesTree } from './link-target.ts';
import { encodePacket, FLUSH, packetsOf } from './packets.ts';
import { refsOf } from './refs.ts';

const ID = 'a'.repeat(40) as CommitId;

test('answers of cat-file are read however they are cut', () => {
  const stream = Buffer.from(`${ID} blob 5\nab\ncd\n${ID} missing\n${ID} blob 0\n\n${ID} tree 1\nx\n`);
  const expected = [['blob', 'ab\ncd'], null, ['blob', ''], ['tree', 'x']];
  for (let size = 1; size <= stream.length; size++) {
    const answers: CatFileAnswer[] = [];
    const parser = new AnswerParser('contents', (answer) => answers.push(answer));
    for (let at = 0; at < stream.length; at += size) parser.push(stream.subarray(at, at + size));
    const read = answers.map((answer) => answer && [answer.type, answer.content?.toString()]);
    assert.deepEqual(read, expected, `in pieces of ${size}`);
  }
  assert.throws(() => new AnswerParser('check', () => {}).push(Buffer.from('fatal: what\n')));
});

for (const [path, target, leaves] of [
  ['a', 'b', false],
  ['a', './b/c', false],
  ['d/a', '../b', false],
  ['d/e/a', '../../b', false],
  ['a', '', true],
  ['a', '/etc/passwd', true],
  ['a', '..', true],
  ['a', '../x', true],
  ['d/a', '../../x', true],
  ['d/a', 'x/../../..', true],
  ['d/a', 'x/../y', true],
  ['d/a', '..//../x', true],
  ['d/a', './.././../x', true],
  ['d/a', '..x/...', false],
  ['a', 'x\0y', true],
] as const) {
  test(`a link "${path}" to ${JSON.stringify(target)} ${leaves ? 'leaves' : 'stays in'} the tree`, () => {
    assert.equal(leavesTree(path, target), leaves);
  });
}

test('packets are read only if the framing is whole', () => {
  const body = Buffer.concat([encodePacket('hällo\n'), FLUSH, encodePacket(''), Buffer.from('0001'), FLUSH]);
  assert.deepEqual(packetsOf(body), ['hällo\n', null, '', null, null]);
  for (let cut = 1; cut < 4; cut++) assert.equal(packetsOf(body.subarray(0, -cut)), undefined);
  for (const text of ['<html>', '0003', 'fff', '000g', '0009abc'])
    assert.equal(packetsOf(Buffer.from(text)), undefined, text);
});

test('a commit is read with an author and a subject that are safe to show', () => {
  const content = (author: string, message: string) =>
    Buffer.from(`tree ${ID}\nparent ${ID}\nauthor ${author} <a@b.c> 1 +0100\ncommitter x <y> 1 +0000\n\n${message}`);
  const read = (author: string, message: string) => parseCommit(ID, content(author, message));
  assert.deepEqual(read('Ada L.', 'One\n\nmore'), { commit: ID, tree: ID, author: 'Ada L.', subject: 'One' });
  assert.deepEqual([read('', '').author, read('', '').subject], [null, '']);
  assert.equal(read('a\u001b[31m', 'x\u0007y\u009b').subject, 'xy');
  assert.equal(read('a', 'x'.repeat(1_000)).subject.length, 200);
  assert.throws(() => parseCommit(ID, Buffer.from('nothing')));
});

test('refs become branches, and HEAD is one of them or none', () => {
  const refs = [
    { ref: 'HEAD', oid: ID, target: 'refs/heads/b' },
    { ref: 'refs/heads/b', oid: ID },
    { ref: 'refs/heads/a', oid: ID },
    { ref: 'refs/tags/t', oid: ID },
    { ref: 'refs/pull/1/head', oid: ID },
  ];
  assert.deepEqual(refsOf(refs), { head: 'b', branches: { a: ID, b: ID } });
  assert.equal(refsOf(refs.slice(2)).head, null);
  assert.equal(refsOf([{ ref: 'HEAD', oid: ID, target: 'refs/heads/gone' }]).head, null);
  assert.throws(() => refsOf([{ ref: 'refs/heads/a', oid: '--x' }]));
});

test('git’s words tell kinds of failures apart, and are shown without control characters and secrets', () => {
  for (const [stderr, kind] of [
    ['error: Server does not allow request for unadvertised object a', 'by-id-refused'],
    [`fatal: remote error: upload-pack: not our ref ${ID}`, 'gone'],
    ["fatal: Authentication failed for 'https://h/x/'", 'auth'],
    ["fatal: unable to access 'https://h/x/': The requested URL returned error: 403", 'auth'],
    ["fatal: unable to access 'https://h/x/': Could not resolve host: h", 'transport'],
    ['fatal: bad config line 1 in file config', 'unknown'],
  ] as const) {
    assert.equal(failureKind(stderr), kind, stderr);
  }
  assert.equal(
    redact(lastWords('fatal: one\nremote: \u001b[31mtoken s3cret\nPlease make sure\n'), ['s3cret']),
    'one; remote:  [31mtoken ***',
  );
  assert.equal(lastWords(''), 'git failed without a word');
});
