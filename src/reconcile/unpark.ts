import { observation } from '../model/cause.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import type { RecordedEnvironment } from '../model/recorded.ts';
import { audit, type Change, put } from '../store/changes.ts';

/** Who waits asks again each second, and limits may not let it back: a call in this time is enough. */
const AGAIN_MS = 10_000;
/** How many environments are called back in that time: whoever asks for all of them must not keep the machine busy with starts. */
const MOST = 10;

/** Heeds requests for environments that are parked, each once in a while. */
export class ParkedCalls {
  readonly #heededAt = new Map<EnvName, number>();

  /**
   * Somebody asks for an app of an environment: one that is parked counts as wanted now, so that the next pass has it back in the place
   * of one that was wanted longer ago.
   */
  changes(row: RecordedEnvironment | undefined, app: AppId, at: number): Change[] {
    for (const [env, heededAt] of this.#heededAt) if (at - heededAt >= AGAIN_MS) this.#heededAt.delete(env);
    if (row?.parked == null || row.endingSince !== null) return [];
    if (this.#heededAt.has(row.name) || this.#heededAt.size >= MOST) return [];
    this.#heededAt.set(row.name, at);
    const [env, detail, cause] = [row.name, { parked: row.parked }, observation('a request asked for it')];
    const wanted = put('environment', { ...row, activeAt: at });
    return [wanted, audit({ kind: 'environment.called', env, app, cause, detail })];
  }
}
