import type { AnswerCase, AnswerOutcome, Meaning, RequestCase, RequestOutcome } from './case.ts';
import type { Observed } from './play.ts';
import { type FieldLines, valuesOf } from './strict/fields.ts';
import type { StrictRequest } from './strict/request.ts';

/** How strictly to judge: our own gateway by the exact outcome, others by whatever the RFC allows. */
export interface Bar {
  readonly isOurs: boolean;
}

/** What differs from the verdict of a case, in words; empty when nothing does. */
export function judgeRequests(seen: Observed, { is, or = [] }: RequestCase, { isOurs }: Bar): string[] {
  const first = requestDifferences(seen, is, { isOurs });
  if (isOurs || first.length === 0) return first;
  return or.some((outcome) => requestDifferences(seen, outcome, { isOurs }).length === 0) ? [] : first;
}

/** The same for what an upstream answers. */
export function judgeAnswer(seen: Observed, { is, or = [] }: AnswerCase, { isOurs }: Bar): string[] {
  const first = answerDifferences(seen, is, { isOurs });
  if (isOurs || first.length === 0) return first;
  return or.some((outcome) => answerDifferences(seen, outcome, { isOurs }).length === 0) ? [] : first;
}

/** Whether an intermediary refused what it could have passed on: nothing was misread, nothing reached the upstream. */
export function isRefusal(seen: Observed): boolean {
  const isNothing = seen.records.every(({ kind }) => kind !== 'request' && kind !== 'objection');
  const isRefused = seen.answers.length === 0 || seen.answers.every(({ status }) => status >= 400);
  return isNothing && isRefused && seen.objection === undefined;
}

function requestDifferences(seen: Observed, outcome: RequestOutcome, { isOurs }: Bar): string[] {
  const found: string[] = [];
  const requests = seen.records.flatMap((record) => (record.kind === 'request' ? [record.request] : []));
  for (const record of seen.records) {
    if (record.kind === 'objection') found.push(`the upstream objects to ${record.objection}`);
    if (record.kind === 'unfinished' && !outcome.isCut)
      found.push(`the upstream saw the beginning ${show(record.bytes)}`);
  }
  if (requests.length !== outcome.requests.length) {
    found.push(
      `the upstream saw ${requests.length} requests (${requests.map(titleOf).join(', ')}), not ${outcome.requests.length}`,
    );
  } else found.push(...outcome.requests.flatMap((meaning, at) => meaningDifferences(requests[at], meaning)));
  found.push(...answersDifferences(seen, outcome, { isOurs }));
  const mayClose = !isOurs && seen.connection === 'closed';
  if (seen.connection !== outcome.connection && !mayClose)
    found.push(`the connection is ${seen.connection}, not ${outcome.connection}`);
  return found;
}

/** The answers belong to the requests, in order, and the last one is the intermediary's own where it has to be. */
function answersDifferences(seen: Observed, outcome: RequestOutcome, { isOurs }: Bar): string[] {
  const found = seen.objection === undefined ? [] : [`the client objects: ${seen.objection}`];
  const expected = outcome.requests.map((meaning) => ({ status: meaning.status ?? 200, title: titleOf(meaning) }));
  const statuses = seen.answers.map(({ status }) => status);
  expected.forEach(({ status, title }, at) => {
    const answer = seen.answers[at];
    const isRight = answer?.status === status && (answer.body === title || title.startsWith('HEAD ') || status === 101);
    if (!isRight) found.push(`answer ${at + 1} is ${answer?.status} ${show(answer?.body ?? '')}, not to ${title}`);
  });
  const interim = seen.answers[0]?.interim.map(({ status }) => status).join();
  if (outcome.interim !== undefined && interim !== outcome.interim.join()) found.push(`interim answers ${interim}`);
  const own = statuses.slice(expected.length);
  if (outcome.own === undefined) return own.length === 0 ? found : [...found, `further answers ${own.join(', ')}`];
  const isSilent = own.length === 0 && !isOurs && seen.connection === 'closed';
  const isAllowed =
    own.length === 1 && (outcome.own.includes(own[0] ?? 0) || (!isOurs && isKin(outcome.own, own[0] ?? 0)));
  return isSilent || isAllowed
    ? found
    : [...found, `own answer ${own.join(', ') || 'none'}, not ${outcome.own.join(' or ')}`];
}

/** Of others, any refusal is as good as ours. */
function isKin(allowed: readonly number[], status: number): boolean {
  return allowed.every((one) => one >= 400) && status >= 400;
}

function meaningDifferences(request: StrictRequest | undefined, meaning: Meaning): string[] {
  if (request === undefined) return ['a request is missing'];
  const found: string[] = [];
  if (titleOf(request) !== titleOf(meaning))
    found.push(`the upstream saw ${titleOf(request)}, not ${titleOf(meaning)}`);
  if (request.version !== 'HTTP/1.1') found.push(`the upstream was spoken to in ${request.version}`);
  if (request.body !== (meaning.body ?? '')) found.push(`the upstream saw the body ${show(request.body)}`);
  found.push(...fieldDifferences(request.fields, meaning.fields ?? {}, 'field'));
  found.push(...fieldDifferences(request.trailers, meaning.trailers ?? {}, 'trailer'));
  return found;
}

function fieldDifferences(
  fields: FieldLines,
  expected: Readonly<Record<string, string | null>>,
  what: string,
): string[] {
  return Object.entries(expected).flatMap(([name, value]) => {
    const values = valuesOf(fields, name);
    const actual = values.length === 0 ? null : values.join(' | ');
    return actual === value ? [] : [`${what} ${name} is ${show(actual ?? 'missing')}, not ${show(value ?? 'missing')}`];
  });
}

function answerDifferences(seen: Observed, outcome: AnswerOutcome, { isOurs }: Bar): string[] {
  const [answer, ...others] = seen.answers;
  const found = seen.objection === undefined ? [] : [`objected to: ${seen.objection}`];
  if (others.length > 0) found.push(`further answers ${others.map(({ status }) => status).join(', ')}`);
  if (outcome.endsUpstream && seen.usedUpstreamAgain) found.push('the connection of the upstream was used again');
  if (answer === undefined) return isOurs || outcome.status < 500 ? [...found, 'no answer'] : found;
  if (answer.status !== outcome.status) found.push(`the client got ${answer.status}, not ${outcome.status}`);
  if (answer.isWhole === (outcome.isCut === true))
    found.push(answer.isWhole ? 'the client takes it for whole' : 'the answer is cut');
  const { body } = outcome;
  const isBody = body === undefined || (outcome.isCut ? body.startsWith(answer.body) : body === answer.body);
  if (!isBody) found.push(`the client got the body ${show(answer.body)}`);
  found.push(...fieldDifferences(answer.fields, outcome.fields ?? {}, 'field'));
  found.push(...fieldDifferences(answer.trailers, outcome.trailers ?? {}, 'trailer'));
  for (const name of outcome.fieldsThere ?? []) {
    if (valuesOf(answer.fields, name).length !== 1) found.push(`there is not one field ${name}`);
  }
  const interim = answer.interim.map(({ status }) => status).join();
  if (outcome.interim !== undefined && interim !== outcome.interim.join()) found.push(`interim answers ${interim}`);
  return found;
}

function titleOf({ method, target }: { readonly method: string; readonly target: string }): string {
  return `${method} ${target}`;
}

function show(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
