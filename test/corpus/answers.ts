import { bodies } from './answers/bodies.ts';
import { heads } from './answers/heads.ts';
import type { AnswerCase, Topic } from './case.ts';

/** What upstreams may answer, by topic. */
export const ANSWER_TOPICS: readonly Topic<AnswerCase>[] = [...heads, bodies];
