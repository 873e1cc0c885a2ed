import type { RequestCase, Topic } from './case.ts';
import { chunks } from './requests/chunks.ts';
import { codings } from './requests/codings.ts';
import { connections } from './requests/connections.ts';
import { fields } from './requests/fields.ts';
import { hosts } from './requests/hosts.ts';
import { lengths } from './requests/lengths.ts';
import { lines } from './requests/lines.ts';
import { paths } from './requests/paths.ts';
import { requestLines } from './requests/request-lines.ts';
import { upgrades } from './requests/upgrades.ts';

/** What clients may send, by topic. */
export const REQUEST_TOPICS: readonly Topic<RequestCase>[] = [
  requestLines,
  lines,
  lengths,
  codings,
  chunks,
  hosts,
  fields,
  connections,
  upgrades,
  paths,
];
