// The roles of the program as main wires them, with a controller that only announces itself: started by the supervisor's tests.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startControlServer } from '../../src/gateway/control/control-server.ts';
import { type GatewayProcessConfig, runGateway } from '../../src/gateway/run-gateway.ts';
import { LISTEN_FDS_VARIABLE, SUPERVISOR_FD_VARIABLE } from '../../src/model/processes.ts';
import type { ListenAddress } from '../../src/model/settings.ts';
import { type ProcessPlan, runSupervisor } from '../../src/supervisor/supervisor.ts';
import { watchSupervisor } from '../../src/supervisor/supervisor-gone.ts';
import { gatewayConfigIn, LIMITS } from '../support/gateway-config.ts';

/** What the test hands over, in the variable PLAN. */
export interface ProgramPlan {
  readonly dir: string;
  readonly listen: readonly ListenAddress[];
  readonly program: string;
  readonly processes: number;
  /** The controller ends with this code at once. */
  readonly controllerExit?: number;
}

const [role] = process.argv.slice(2);
const plan = JSON.parse(process.env.PLAN ?? 'null') as ProgramPlan;
if (role === 'supervisor') process.exit(await supervise());
if (role === 'gateway') {
  await runGateway(gatewayConfig(), log);
  process.exit(0);
}
if (role === 'controller') await control();

function supervise(): Promise<number> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env;
  const inherited = { PATH, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) };
  const self = (name: string, current: ProgramPlan) => ({
    command: process.execPath,
    args: [import.meta.filename, name],
    env: { ...inherited, PLAN: JSON.stringify(current) },
  });
  const processes = (current: ProgramPlan): ProcessPlan => ({
    controller: self('controller', current),
    gateway: { ...self('gateway', current), program: current.program },
    processes: current.processes,
  });
  return runSupervisor({
    listen: plan.listen,
    runDir: join(plan.dir, 'run'),
    plan: processes(plan),
    reload: async () => processes({ ...plan, program: `${plan.program}-reloaded` }),
    socketVariables: process.env,
    drainMs: 2_000,
    controllerStopMs: 2_000,
    fatalExitCodes: [64],
    hungAfterMs: 3_000,
    log,
    onReady: (listen) => console.log(JSON.stringify({ ready: listen })),
  });
}

function gatewayConfig(): GatewayProcessConfig {
  const count = Number(process.env[LISTEN_FDS_VARIABLE]);
  return {
    ...gatewayConfigIn(plan.dir, {
      listen: Array.from({ length: count }, (_, at) => ({ fd: 3 + at })),
      limits: { ...LIMITS, peerConnections: 100_000, headerCount: 1_000 },
      drainMs: 1_000,
    }),
    runDir: join(plan.dir, 'run'),
    program: plan.program,
  };
}

async function control(): Promise<void> {
  if (plan.controllerExit !== undefined) process.exit(plan.controllerExit);
  const supervisor = watchSupervisor(Number(process.env[SUPERVISOR_FD_VARIABLE]), () => process.exit(1));
  process.on('SIGHUP', () => appendFileSync(join(plan.dir, 'reloads'), 'reload\n'));
  process.on('SIGTERM', () => process.exit(0));
  await startControlServer({ socketPath: join(plan.dir, 'run/control.sock'), onHint: () => {} });
  writeFileSync(join(plan.dir, 'controller.pid'), String(process.pid));
  supervisor.reportReady();
  setInterval(() => {}, 1_000);
}

function log(level: string, message: string, fields: object = {}): void {
  console.log(JSON.stringify({ level, role, pid: process.pid, message, ...fields }));
}
