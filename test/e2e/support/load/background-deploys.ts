import { setTimeout as delay } from 'node:timers/promises';
import type { Site } from './site.ts';

/** Deploys that go on while something else happens. */
export interface BackgroundDeploys {
  /** Pushes no more, and waits until what was pushed last of each app is served. Gives how many were pushed. */
  end(): Promise<number>;
}

/** Pushes one app after the other to main, each half a second. A hint may be lost: polling finds what was pushed. */
export function deployMeanwhile(site: Site): BackgroundDeploys {
  let isOver = false;
  let count = 0;
  const pushing = (async () => {
    while (!isOver) {
      await site.push(site.apps[count % site.apps.length] ?? '');
      await site.team.hint().catch(() => {});
      count += 1;
      await delay(500);
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await pushing;
      for (const app of site.apps) await site.untilServed(app);
      return count;
    },
  };
}
