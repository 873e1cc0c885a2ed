import { observation } from '../../model/cause.ts';
import { MainspringError } from '../../model/errors.ts';
import type { RetainedData } from '../../model/recorded.ts';
import { audit, drop, put } from '../../store/changes.ts';
import { performEffect } from '../boundaries.ts';
import type { Ports } from '../ports.ts';
import { nextOfRetained, type RetainedAction, type RetainedStep } from '../progress.ts';
import { withDeadline } from './deadline.ts';
import type { SlotKind } from './slots.ts';

/** The slot of retained data: removed when its time is over, unless the app came back. */
export class RetainedSlots implements SlotKind<RetainedAction> {
  readonly name = 'retained';
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  next(key: string): RetainedStep {
    const { store, clock } = this.#ports;
    const row = store.recorded.retained.get(key);
    return row === undefined ? { do: 'wait', until: null } : nextOfRetained(row, clock.now());
  }

  async perform(key: string, step: RetainedAction, signal: AbortSignal): Promise<void> {
    if (step.do === 'purge') return this.#purge(key, signal);
    this.#ports.store.transact((recorded) => {
      const row = recorded.retained.get(key);
      return row === undefined || this.next(key).do !== 'expire'
        ? []
        : [put('retained', { ...row, state: 'removing' })];
    });
  }

  async #purge(key: string, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits, store } = this.#ports;
    const row = store.recorded.retained.get(key);
    if (row === undefined) return;
    const late = { code: 'engine-failed', message: `removal of the data of "${row.app}": no answer` } as const;
    await performEffect(reach, 'purge', {
      intent: () => this.next(key).do === 'purge',
      effect: () => withDeadline({ clock, ms: limits.startMs, signal, late }, () => this.#removeData(row)),
      commit: () => {
        const cause = observation('its time of retention is over');
        store.transact(() => [
          drop('retained', row),
          audit({ kind: 'data.removed', env: row.env, app: row.app, cause, detail: {} }),
        ]);
      },
    });
  }

  async #removeData(row: RetainedData): Promise<void> {
    const engine = this.#ports.engines.get(row.engine);
    if (engine === undefined)
      throw new MainspringError('engine-off', `engine "${row.engine}" is not there`, { retry: 'after-interval' });
    await engine.removeData(row.dataName);
  }
}
