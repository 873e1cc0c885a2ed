import { test } from 'node:test';
import { branchHistory } from './support/branch-history.ts';
import { killAlong } from './support/kill-along.ts';

test(
  'a daemon killed anywhere in the life of branches and releases leaves what an undisturbed one leaves',
  {
    concurrency: 2,
  },
  (t) => killAlong(t, branchHistory(), { victims: ['controller', 'supervisor'], randomKills: 1 }),
);
