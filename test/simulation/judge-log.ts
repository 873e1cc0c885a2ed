import { chainFault, GENESIS } from '../../src/audit/chain.ts';
import { readAudit } from '../../src/audit/log.ts';
import type { AuditEvent } from '../../src/model/audit.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

/** What the log says: played from its beginning, it must end at what there is. */
class Replay {
  readonly live = new Map<string, unknown>();
  readonly planned = new Set<string>();
  readonly quarantined = new Set<string>();
  readonly removing = new Set<string>();
  readonly instances = new Map<string, string>();
  readonly artifacts = new Set<string>();
  readonly retained = new Set<string>();
  readonly drifted = new Set<string>();
  readonly stale = new Set<string>();
  /** Every instance of which the log ever spoke. */
  readonly known = new Set<string>();
  accepted: string | null = null;
  #rejected: string | null = null;
  readonly #verdict: Verdict;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  play(event: AuditEvent): void {
    const app = event.app === null ? '' : `${event.env} ${event.app}`;
    const instance = event.detail.instance;
    const artifact = event.detail.artifact;
    if (typeof instance === 'string') this.known.add(instance);
    if (event.kind.startsWith('deployment.')) this.#onDeployment(event, app);
    if (event.kind.startsWith('config.')) this.#onConfig(event);
    if (typeof instance === 'string') this.#onInstance(event.kind, instance, app);
    if (typeof artifact === 'string') this.#onArtifact(event.kind, artifact);
    if (event.kind === 'data.retained') this.retained.add(app);
    // A preview's data goes with it, and is not kept before.
    const isKept = event.env === 'prod' || event.env === 'stage';
    if (event.kind === 'data.removed' && isKept) this.#leave(this.retained, app, `data of ${app}`);
    const repo = String(event.detail.repo);
    if (event.kind === 'source.stale') this.stale.add(repo);
    if (event.kind === 'source.recovered') this.stale.delete(repo);
  }

  #onDeployment({ kind, detail }: AuditEvent, app: string): void {
    switch (kind) {
      case 'deployment.planned':
        this.planned.add(app);
        this.quarantined.delete(app);
        this.removing.delete(app);
        return;
      case 'deployment.parked':
        this.live.delete(app);
        this.planned.delete(app);
        this.quarantined.delete(app);
        return;
      case 'deployment.superseded':
        this.planned.delete(app);
        this.quarantined.delete(app);
        return;
      case 'deployment.settings':
        this.planned.delete(app);
        this.removing.delete(app);
        return;
      case 'deployment.live':
        this.#leave(this.planned, app, `${app} is on its way`);
        this.live.set(app, detail.revision);
        return;
      case 'deployment.quarantined':
        this.#leave(this.planned, app, `${app} is on its way`);
        this.quarantined.add(app);
        return;
      case 'deployment.removing':
        this.removing.add(app);
        return;
      case 'deployment.unrouted':
        this.#verdict.expect(this.removing.has(app), () => `the log: ${app} is unrouted without being removed`);
        this.live.delete(app);
        return;
      case 'deployment.removed':
        this.#leave(this.removing, app, `${app} is being removed`);
        return;
      default:
        return;
    }
  }

  #onConfig({ kind, cause }: AuditEvent): void {
    const commit = cause.kind === 'commit' ? cause.commit : null;
    if (kind === 'config.accepted') this.accepted = commit;
    this.#verdict.expect(
      kind !== 'config.rejected' || commit !== this.#rejected,
      () => `the log: ${commit} is rejected twice`,
    );
    this.#rejected = kind === 'config.rejected' ? commit : null;
  }

  #onInstance(kind: AuditEvent['kind'], id: string, app: string): void {
    if (kind === 'instance.started' || kind === 'drift.repaired' || kind === 'deployment.resumed')
      this.instances.set(id, app);
    if (kind === 'drift.seen') this.drifted.add(id);
    if (kind === 'drift.repaired' || kind === 'deployment.resumed' || kind === 'deployment.awake')
      this.drifted.delete(id);
    if (kind !== 'instance.stopped' && kind !== 'orphan.removed') return;
    this.instances.delete(id);
    this.drifted.delete(id);
  }

  #onArtifact(kind: AuditEvent['kind'], key: string): void {
    if (kind === 'artifact.built') this.artifacts.add(key);
    if (kind === 'artifact.removed' || kind === 'orphan.removed' || kind === 'drift.seen') this.artifacts.delete(key);
  }

  #leave(set: Set<string>, key: string, what: string): void {
    this.#verdict.expect(set.delete(key), () => `the log ends what it never began: ${what}`);
  }
}

/** Checks the chain, and that the log tells how everything that is there came about and where everything else went. */
export function judgeLog(world: SimWorld, verdict: Verdict): void {
  const replay = new Replay(verdict);
  let head = GENESIS;
  for (const event of readAudit(world.connection)) {
    const fault = chainFault(head, event);
    if (fault !== null) verdict.violation(`audit: ${fault}`);
    head = event;
    replay.play(event);
  }
  judgeDeployments(world, replay, verdict);
  judgeEffects(world, replay, verdict);
}

function judgeDeployments({ recorded }: SimWorld, replay: Replay, verdict: Verdict): void {
  verdict.expect(
    replay.accepted === recorded.config.accepted,
    () => `the log says that ${replay.accepted} is followed`,
  );
  const rows = [...recorded.deployments.values()];
  for (const { env, app: id, live, next } of rows) {
    const app = `${env} ${id}`;
    const said = replay.live.get(app) ?? null;
    verdict.expect(
      said === (live?.target.revision ?? null),
      () => `${app}: the log says that ${String(said)} is live, recorded is ${live?.target.revision ?? null}`,
    );
    verdict.expect(
      replay.quarantined.has(app) === (next?.state === 'quarantined'),
      () => `${app}: is ${next?.state ?? 'live'}, and the log says something else about its quarantine`,
    );
  }
  const apps = new Set<string>(rows.map(({ env, app }) => `${env} ${app}`));
  const unheard = [...replay.live.keys(), ...replay.quarantined].filter((app) => !apps.has(app));
  verdict.expect(unheard.length === 0, () => `${unheard.join(', ')}: gone without a word in the log`);
  // An app that is back has its data again, whatever else is said of it.
  const retained = new Set<string>([...recorded.retained.values()].map(({ env, app }) => `${env} ${app}`));
  sameSets('retained data', new Set([...replay.retained].filter((app) => !apps.has(app))), retained, verdict);
  // The other way round it need not hold: a repo that nothing names any more is forgotten, stale or not.
  for (const { repo, error } of recorded.repos.values())
    verdict.expect(error === null || replay.stale.has(repo), () => `${repo}: stale without a word in the log`);
}

/** What effects left in the world is what the log says, thing by thing. */
function judgeEffects({ engine, everRan, recorded }: SimWorld, replay: Replay, verdict: Verdict): void {
  // What failed is kept for its log; whether it ever ran was told by its failures.
  const others = (ids: Iterable<string>) =>
    new Set([...ids].filter((id) => recorded.instances.get(id)?.state !== 'stopped'));
  sameSets('instances', others(replay.instances.keys()), others(engine.instances.keys()), verdict);
  sameSets('artifacts', replay.artifacts, new Set(engine.artifacts.keys()), verdict);
  verdict.expect(replay.drifted.size === 0, () => `the log has drift without repair: ${[...replay.drifted].join()}`);
  const unheard = [...everRan].filter((id) => !replay.known.has(id));
  verdict.expect(unheard.length === 0, () => `ran without a word in the log: ${unheard.join(', ')}`);
}

function sameSets(what: string, said: ReadonlySet<string>, there: ReadonlySet<string>, verdict: Verdict): void {
  const extra = [...there].filter((key) => !said.has(key));
  const missing = [...said].filter((key) => !there.has(key));
  verdict.expect(extra.length === 0, () => `${what}: ${extra.join(', ')} without a word in the log`);
  verdict.expect(missing.length === 0, () => `${what}: the log says that ${missing.join(', ')} is there`);
}
