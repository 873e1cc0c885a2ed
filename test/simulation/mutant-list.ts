import { readFileSync } from 'node:fs';

/** One place where the product's code is made wrong. The text must be there exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A fault that is planted on purpose. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const RECONCILE = 'src/reconcile';
const SLOTS = `${RECONCILE}/slots`;

function mutant(name: string, file: string, find: string, replace: string): Mutant {
  return { name, edits: [{ file, find, replace }] };
}

/** The faults that the simulation must catch, each on its own. */
export const MUTANTS: readonly Mutant[] = [
  mutant(
    'intent written after the effect: an artifact is built, then its row is written',
    `${SLOTS}/deployment-slots.ts`,
    'this.#change(key, step.do, (row, next, context) => this.#require(row, next, context));',
    `{
          const target = this.#ports.store.recorded.deployments.get(key)?.next?.target;
          const request = { key: target?.artifact, inputs: target?.inputs, exportTree: null } as never;
          if (target) await this.#ports.engines.get(target.inputs.engine)?.build(request, signal);
        }
        this.#change(key, step.do, (row, next, context) => this.#require(row, next, context));`,
  ),
  mutant(
    'a failed listing taken as empty',
    `${RECONCILE}/observe/repo-watch.ts`,
    'const listing = await this.#ports.git.list({ repo: this.repo, auth: this.auth }, signal);',
    `const listing = await this.#ports.git
        .list({ repo: this.repo, auth: this.auth }, signal)
        .catch(() => ({ repo: this.repo, asOf: this.#ports.clock.now(), head: null, branches: {} }));`,
  ),
  mutant(
    'a listing without the followed branch taken as evidence that no app is declared',
    `${RECONCILE}/observe/config-follower.ts`,
    'throw missingBranch(',
    `if (this.#accepted !== null)
        this.#take({ ...this.#accepted, declarations: { ...this.#accepted.declarations, apps: [] } });
      throw missingBranch(`,
  ),
  mutant(
    'a listing without the branch of a source makes what was known of it forgotten',
    `${RECONCILE}/observe/source-follower.ts`,
    'changed.push({ ...of, resolved: kept, problem });',
    'changed.push({ ...of, resolved: null, problem });',
  ),
  mutant(
    'the generation not compared: a plan for an older config is carried out',
    `${RECONCILE}/reconciler.ts`,
    'return this.#ports.store.recorded.config.accepted !== desired.configCommit;',
    'return desired.configCommit === null;',
  ),
  mutant(
    'a step is done although it is not due any more',
    `${SLOTS}/deployment-slots.ts`,
    'if (row?.next == null || this.next(key).do !== due) return [];',
    'if (row?.next == null || due === null) return [];',
  ),
  mutant(
    'quarantine forgotten at restart',
    `${RECONCILE}/reconciler.ts`,
    'this.#driver.wakeAll();',
    `this.#ports.store.transact((recorded) =>
      [...recorded.deployments.values()]
        .filter(({ next }) => next?.state === 'quarantined')
        .map((row) => ({ put: 'deployment', row: { ...row, next: { ...row.next, state: 'waiting' } } }) as never),
    );
    this.#driver.wakeAll();`,
  ),
  mutant(
    'an event outside the transaction',
    'src/store/store.ts',
    'this.#deps.connection.write(queries, lasting);',
    `const isEvent = (_: unknown, place: number) => 'audit' in (changes[place] ?? {});
    this.#deps.connection.write(queries.filter((query, place) => !isEvent(query, place)));
    this.#deps.connection.write(queries.filter(isEvent));`,
  ),
  mutant(
    'a write that failed is taken for done',
    'src/store/store.ts',
    'this.#deps.connection.write(queries, lasting);',
    `try {
      this.#deps.connection.write(queries, lasting);
    } catch {}`,
  ),
  mutant(
    'the generation is not kept over a restart',
    'src/store/store.ts',
    "queries.push(writeMeta('generation', String(generation)));",
    '{}',
  ),
  mutant(
    'a deadline dropped: what hangs, hangs',
    `${SLOTS}/deadline.ts`,
    'clock.sleep(ms, timer.signal).then(over, () => {});',
    'void [ms, over];',
  ),
  mutant(
    'the deadline of verification dropped',
    `${SLOTS}/deployment-slots.ts`,
    'const late = reason !== null && next.deadline !== null && clock.now() >= next.deadline;',
    'const late = false as boolean;',
  ),
  mutant(
    'drain skipped',
    `${SLOTS}/switching.ts`,
    "...(old === undefined ? [] : retireInstance(old, at, 'draining', drainTime(row.live, drainMs))),",
    "...(old === undefined ? [] : retireInstance(old, at, 'stopping')),",
  ),
  mutant(
    'switched before it is healthy',
    `${RECONCILE}/progress.ts`,
    "return { do: 'probe' };",
    "return { do: 'ready' };",
  ),
  mutant(
    'verified by rules that do not hold any more',
    `${RECONCILE}/accept.ts`,
    "return { state: 'verifying', instance: next.instance };",
    "return { state: 'ready', instance: next.instance };",
  ),
  mutant(
    'what was started again after it was verified counts as verified',
    `${SLOTS}/instance-slots.ts`,
    "if (deployment === undefined || next?.instance !== row.id || next.state !== 'ready') return [];",
    'if (deployment === undefined || next === null || row.id.length > 0) return [];',
  ),
  mutant(
    'an app that dies at its start is started for ever',
    `${RECONCILE}/progress.ts`,
    "if (next.deadline === null && instance.problem?.code === 'instance-exited') return { do: 'verify' };",
    '',
  ),
  mutant(
    'the removal brake ignored',
    `${RECONCILE}/plan/removals.ts`,
    'const held = hash !== null && hash !== desired.allowRemoval ? hash : null;',
    'const held = null as string | null;',
  ),
  mutant(
    'a word for one set of removals lets another through',
    `${RECONCILE}/plan/removals.ts`,
    'hash !== desired.allowRemoval ?',
    'desired.allowRemoval === null ?',
  ),
  mutant(
    'orphans not removed at adoption',
    `${RECONCILE}/adopt.ts`,
    'await removeOrphans(',
    'if (Number.isNaN(listed.length)) await removeOrphans(',
  ),
  mutant(
    'what ended while nobody looked is not noticed',
    `${RECONCILE}/adopt.ts`,
    '  await adoptInstances(adoption, listed);',
    '',
  ),
  mutant(
    'the tombstone of a route forgotten',
    `${RECONCILE}/transitions.ts`,
    "put('route', { host, path, generation: context.generation(), env: row.env, app: row.app, serve: null, vacancy }),",
    '',
  ),
  mutant(
    'a tombstone does not take the route away in the gateway',
    'src/gateway/routing/route-table.ts',
    'if (row.serve === null && row.vacancy == null) this.#remove(row);',
    'if (row.serve === null && row.vacancy == null) continue;',
  ),
  mutant(
    'an artifact collected while it is needed',
    `${RECONCILE}/progress.ts`,
    'const used = recorded.isUsed(row.key);',
    "const used = row.state === 'building' ? recorded.isUsed(row.key) : recorded.deploymentsWith(row.key).some((user) => user.live?.target.artifact === row.key);",
  ),
  mutant(
    'what is retained of an app is purged although the app came back',
    `${RECONCILE}/accept.ts`,
    "return data?.state === 'kept' ? [drop('retained', data)] : [];",
    'return [];',
  ),
  mutant(
    'an app is started on data that is being removed',
    `${RECONCILE}/progress.ts`,
    "if (recorded.retained.get(row.dataName)?.state === 'removing') return FOREVER;",
    '',
  ),
  {
    name: 'a superseded instance left running',
    edits: [
      {
        file: `${RECONCILE}/progress-of-instance.ts`,
        find: "if (!isWanted(row.id, deployment)) return { do: 'retire' };\n      return live",
        replace: 'return live',
      },
      {
        file: `${RECONCILE}/accept.ts`,
        find: "...(instance === undefined ? [] : retireInstance(instance, context.at, 'stopping')),",
        replace: '...(instance === undefined ? [] : []),',
      },
    ],
  },
  mutant(
    'what is in use is put to sleep while a request goes on',
    `${SLOTS}/instance-rest.ts`,
    'inFlight > 0 ? at : at - idleMs',
    'at - idleMs',
  ),
  mutant(
    'put to sleep by the clock alone, whoever uses it',
    `${SLOTS}/instance-rest.ts`,
    'inFlight > 0 ? at : at - idleMs',
    '0',
  ),
  mutant(
    'what slipped in while it was put to sleep is cut',
    `${SLOTS}/instance-slots.ts`,
    "return drain === 'idle' ? this.#rest.downChanges(row, deployment.live) : wakeChanges(deployment);",
    'return this.#rest.downChanges(row, deployment.live);',
  ),
  mutant(
    'nobody wakes what is asleep',
    `${RECONCILE}/sleep.ts`,
    'if (!isResting(row?.live)) return [];\n  return instance',
    'return [];\n  return instance',
  ),
  mutant(
    'requests are led to what is being put to sleep',
    `${RECONCILE}/sleep.ts`,
    "...keepRoute(row, live, instance.route, context),\n    put('instance', { ...instance, state: 'draining',",
    "put('instance', { ...instance, state: 'draining',",
  ),
  mutant(
    'what is asleep is thrown away',
    `${SLOTS}/instance-slots.ts`,
    'const isKept = isWanted(now.id, deployment) || isKeptForLog(now.id, deployment);',
    'const isKept = isKeptForLog(now.id, deployment);',
  ),
  mutant(
    'what was verified stopped, because its predecessor was asleep, is taken for awake',
    `${SLOTS}/switching.ts`,
    'asleep: sleepsOn(row),',
    'asleep: false,',
  ),
  mutant(
    'nothing ever sleeps',
    `${RECONCILE}/progress-of-instance.ts`,
    'if (bedtime === null) return FOREVER;',
    'if (bedtime === null || bedtime.afterMs > 0) return FOREVER;',
  ),
  mutant(
    'what is to be paused is stopped at once',
    `${SLOTS}/instance-rest.ts`,
    'if (!pauses) return',
    'if (pauses || !pauses) return',
  ),
  mutant(
    'what is paused is never stopped',
    `${RECONCILE}/progress-of-instance.ts`,
    "return due !== null && due <= at ? { do: 'rest' } : { do: 'wait', until: due };",
    'return due !== null && due <= at ? FOREVER : FOREVER;',
  ),
  mutant(
    'what is paused is stopped without being asked how long nobody used it',
    `${RECONCILE}/sleep.ts`,
    'return (idleSince ?? startedAt ?? 0) + idle.stopMs;',
    'return (startedAt ?? idleSince ?? 0) + idle.stopMs;',
  ),
  mutant(
    'a pause that failed is taken for done',
    `${SLOTS}/instance-rest.ts`,
    "now.state === 'pausing' ? notPaused(now, problemOf(error), clock.now()) : [],",
    "now.state === 'pausing' ? [put('instance', { ...now, state: 'paused', problem: problemOf(error) })] : [],",
  ),
  mutant(
    'what ended while it was paused is not noticed',
    `${SLOTS}/instance-slots.ts`,
    "if (row.state === 'pausing' || row.state === 'paused') return this.#rest.endedChanges(row, problem);",
    '',
  ),
  mutant(
    'what somebody else let go on stays awake unseen',
    `${RECONCILE}/adopt.ts`,
    'else driver.instanceResumed(row.id);',
    'else adoptRoute(row.id, seen.target, ports);',
  ),
  mutant(
    'what somebody else paused stays frozen',
    `${RECONCILE}/adopt.ts`,
    "else if (seen.state === 'paused') driver.instanceEnded(row.id, PAUSED_BY_HAND);",
    "else if (seen.state === 'paused') adoptRoute(row.id, seen.target, ports);",
  ),
  mutant(
    'a pause is not taken up again after a restart',
    `${RECONCILE}/progress-of-instance.ts`,
    "return { do: 'pause' };",
    "return row.drainUntil === null && at - (row.idleSince ?? 0) > 400_000 ? { do: 'pause' } : FOREVER;",
  ),
  mutant(
    'of those that are paused the last one used goes first for want of memory',
    `${RECONCILE}/memory-watch.ts`,
    'idleSince(a) - idleSince(b)',
    'idleSince(b) - idleSince(a)',
  ),
  mutant(
    'something goes for want of memory of which there is enough',
    `${RECONCILE}/memory-watch.ts`,
    'share > limit',
    'share > 0.1',
  ),
  {
    name: 'what is in use goes for want of memory',
    edits: [
      {
        file: `${SLOTS}/instance-rest.ts`,
        find: 'inFlight === 0 && idleMs >= order.afterMs',
        replace: 'inFlight + idleMs >= 0',
      },
      {
        file: `${SLOTS}/instance-rest.ts`,
        find: 'at - this.#uses.of(row) < order.afterMs',
        replace: 'at < this.#uses.of(row)',
      },
    ],
  },
  mutant(
    'what is to start asleep starts awake',
    `${RECONCILE}/sleep.ts`,
    'return idle !== false && idle?.startsAsleep === true;',
    'return idle !== false && idle?.startsAsleep === false;',
  ),
  mutant(
    'what is woken serves before it answers',
    `${SLOTS}/instance-rest.ts`,
    'const isAsked = policy.verify !== false && clock.now() < deadline;',
    'const isAsked = policy.verify === null && clock.now() < deadline;',
  ),
  mutant(
    'two slots for one key: built and started twice side by side',
    `${SLOTS}/slots.ts`,
    'if (slot !== undefined) slot.wake();',
    "if (slot !== undefined && key === '') slot.wake();",
  ),
  mutant(
    'an exit during the start lost',
    `${SLOTS}/instance-slots.ts`,
    "if (row.state === 'starting') this.#endedEarly.set(row.id, problem);",
    '',
  ),
  mutant(
    'what was under way is not taken up after a restart',
    `${RECONCILE}/driver.ts`,
    'for (const key of recorded.instances.keys()) this.#slots.instance.wake(key);',
    '',
  ),
  mutant(
    'what nobody refers to any more is not looked at',
    `${RECONCILE}/driver.ts`,
    'const before = this.#uses.get(key) ?? [];',
    'const before: readonly ArtifactKey[] = [];',
  ),
  mutant('a stuck build holds up all others', `${RECONCILE}/ports.ts`, 'builds: Math.max(2,', 'builds: Math.max(1,'),
  mutant(
    "the merge base ignored: a branch is compared with main's tip",
    `${RECONCILE}/desire/wishes.ts`,
    'const known = this.#facts.base(wanted.repo, a, b);',
    'const known: CommitId | null | undefined = b;',
  ),
  {
    name: 'a release split: only those that are ready switch',
    edits: [
      {
        file: `${RECONCILE}/progress.ts`,
        find: 'if (going > 0 || ready + alone === 0) return FOREVER;',
        replace: 'if (ready + alone === 0) return FOREVER;',
      },
      {
        file: `${RECONCILE}/progress.ts`,
        find: 'return members.every((member) => canSwitch(member, recorded))',
        replace: 'return members.some((member) => canSwitch(member, recorded))',
      },
    ],
  },
  mutant(
    'retention by time alone: what going back needs is collected',
    `${RECONCILE}/progress.ts`,
    'if (used || recorded.isKept(row.key)) return FOREVER;',
    'if (used) return FOREVER;',
  ),
  mutant(
    'labels by slug alone',
    'src/model/environment.ts',
    'isPlainLabel(branch) ? branch : hashedLabel(branch, MOST_LABEL)',
    "branch.toLowerCase().replace(/[^a-z0-9]+/g, '-')",
  ),
  mutant(
    'an incomplete listing taken as evidence that branches are gone',
    `${RECONCILE}/desire/refs.ts`,
    'if (Object.keys(listing.branches).length === 0) return false;',
    'if (listing !== null) return true;',
  ),
  mutant(
    'production does not wait for its stage',
    `${RECONCILE}/progress.ts`,
    "if (before === null) return { verdict: 'passed' };",
    "if (before !== undefined) return { verdict: 'passed' };",
  ),
  mutant(
    "a preview's data outlives it",
    `${SLOTS}/deployment-slots.ts`,
    "if (recorded.environments.get(row.env)?.kind === 'preview')",
    "if (recorded.environments.get(row.env)?.kind === 'nothing')",
  ),
  mutant(
    'what is parked goes on running',
    `${RECONCILE}/plan/steps.ts`,
    "return want.stay === 'parked' ? parkStep(desired, row, recorded) : null;",
    'return null;',
  ),
  mutant(
    'any number of previews is up',
    `${RECONCILE}/desire/parking.ts`,
    'const up = new Set(order.slice(0, policy.max));',
    'const up = new Set(order);',
  ),
  mutant(
    "a branch's last good config forgotten",
    `${RECONCILE}/desire/branch-config.ts`,
    'const goodConfig = newest.evaluation.ok ? head.commit : (recorded?.goodConfig ?? null);',
    'const goodConfig = newest.evaluation.ok ? head.commit : recorded === undefined ? head.commit : null;',
  ),
  mutant(
    'a pin ignored in production',
    `${RECONCILE}/desire.ts`,
    "yield* followed({ env: PROD, kind: 'prod' }, config.declarations.apps, from);",
    "yield* followed({ env: PROD, kind: 'prod' }, config.declarations.apps.map(unpinned), from);",
  ),
  mutant(
    'what a revert needs is there and is built again',
    `${RECONCILE}/accept.ts`,
    "if (artifact?.state !== 'failed') return [];",
    "if (artifact?.state !== 'failed' && artifact?.state !== 'built') return [];",
  ),
  mutant(
    'of two apps that trade their places, one leaves the other without',
    `${RECONCILE}/transitions.ts`,
    'if (current === undefined || current.serve === null || current.env !== row.env || current.app !== row.app) return [];',
    'if (current === undefined || current.serve === null) return [];',
  ),
  mutant(
    'a request for what is parked is not heeded',
    `${RECONCILE}/unpark.ts`,
    "put('environment', { ...row, activeAt: at });",
    "put('environment', row);",
  ),
  mutant(
    'what is live is still said to be on its way',
    `${RECONCILE}/vacancies.ts`,
    'routes.leave(old, before);',
    'if (row === null) routes.leave(old, before);',
  ),
  mutant(
    'what has failed is said to be on its way',
    `${RECONCILE}/vacancies.ts`,
    "if (state === 'quarantined' || state === 'held') return { why: 'failed', reason };",
    "if (state === 'held') return { why: 'failed', reason };",
  ),
  mutant(
    'where a preview was is forgotten when it is parked',
    `${RECONCILE}/vacancies.ts`,
    'const was = old ?? before.live?.target.policy ?? before.next?.target?.policy;',
    'const was = old;',
  ),
  mutant(
    'what ended by itself is served as soon as it is started again',
    `${SLOTS}/instance-rest.ts`,
    'const isAsked = policy.verify !== false && clock.now() < deadline;',
    'const isAsked = policy.verify !== false && clock.now() < deadline && live.condition === null;',
  ),
  mutant(
    'requests are still led to what ended by itself',
    `${RECONCILE}/transitions.ts`,
    "return reason === undefined ? null : { kind: 'down', reason };",
    'return null;',
  ),
];

/** The planted faults whose text is not there exactly once, told for people. */
export function misfits(mutants: readonly Mutant[] = MUTANTS): string[] {
  return mutants.flatMap(({ name, edits }) =>
    edits.flatMap(({ file, find }) => {
      const times = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split(find).length - 1;
      return times === 1 ? [] : [`"${name}": expected once in ${file}, found ${times} times: ${find}`];
    }),
  );
}
