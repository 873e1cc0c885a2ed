import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerLines } from './answer-headers.ts';

const REWRITE = {
  location: (value: string) => `/pre${value}`,
  refresh: (value: string) => `${value}!`,
  cookie: (value: string) => `${value};`,
  noindex: true,
};
const PLAIN = {
  location: (value: string) => value,
  refresh: (value: string) => value,
  cookie: (value: string) => value,
  noindex: false,
};

test('an answer keeps its headers in order and case, without those of the hop', () => {
  const raw = [
    ...['Connection', 'close, X-Hop', 'Set-Cookie', 'a', 'set-cookie', 'b', 'X-Hop', '1', 'Content-Length', '3'],
    ...['Trailer', 'x', 'Location', '/y', 'DATE', 'today'],
  ];
  assert.equal(
    answerLines(raw, REWRITE, 'neither'),
    'Set-Cookie: a;\r\nset-cookie: b;\r\nLocation: /pre/y\r\nDATE: today\r\nX-Robots-Tag: noindex\r\n',
  );
});

test('a final answer without a date gets one, an informational one does not', () => {
  assert.match(answerLines(['A', '1'], PLAIN, 'neither'), /^A: 1\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n$/);
  assert.equal(answerLines(['Link', '</x>'], PLAIN, 'interim'), 'Link: </x>\r\n');
});

test('the length stays where it frames the content, even if Connection names it', () => {
  const raw = ['Content-Length', '3', 'Connection', 'content-length', 'Date', 'x'];
  assert.equal(answerLines(raw, PLAIN, 'length'), 'Content-Length: 3\r\nDate: x\r\n');
  assert.equal(answerLines(raw, PLAIN, 'trailer'), 'Date: x\r\n');
});
