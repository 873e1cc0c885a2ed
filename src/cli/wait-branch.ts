import type { Status } from '../model/surface.ts';
import { shortId } from './terminal.ts';
import { judge, pending, placed, rejection, type WaitVerdict } from './wait-judge.ts';
import type { WaitFor } from './wait-verdict.ts';

type About = NonNullable<Status['about']>;

/** Judges a commit that is on a branch which is not followed: by the preview of that branch, or by why it has none. */
export function branchVerdict(status: Status, about: About, { commit, env }: WaitFor): WaitVerdict {
  const id = shortId(commit);
  if (about.state === 'superseded') return supersededVerdict(about, id);
  if (env !== null && about.env != null && env !== about.env)
    return failed(
      `${id} is on branch "${about.branch}": its environment is "${about.env}", and it is in "${env}" once it is merged`,
    );
  if (about.why != null) return failed(`${id} is not deployed: ${about.why}`);
  const environment = status.environments.find(({ name }) => name === about.env);
  if (environment === undefined || about.planned !== true) return pending(`${id} was seen and is being looked at`);
  if (environment.ending_since != null) return failed(`${id} is not deployed: "${environment.name}" is being removed`);
  const { errors = [], parked_why: why } = environment;
  if (errors.length > 0) return rejection(commit, errors);
  if (environment.parked)
    return failed(`${id} is not up: "${environment.name}" is parked${why == null ? '' : `, since ${why}`}`);
  return judge(status, placed(environment), `${id} (${environment.name})`);
}

function supersededVerdict({ branch, by }: About, id: string): WaitVerdict {
  if (by === null) return failed(`${id} is not deployed: branch "${branch}" is gone`);
  return { kind: 'follow', commit: by, message: `${id} was superseded by ${shortId(by)} on branch "${branch}"` };
}

function failed(message: string): WaitVerdict {
  return { kind: 'failed', message, reasons: [] };
}
