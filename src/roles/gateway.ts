import { type GatewayProcessConfig, runGateway } from '../gateway/run-gateway.ts';
import { LISTEN_FDS_VARIABLE } from '../model/processes.ts';
import type { Environment } from './environment.ts';
import type { WriteLog } from './log.ts';

/** Runs a gateway as this process: configuration as JSON, descriptors as inherited. Resolves with the exit code when it has drained. */
export async function runGatewayRole(config: string, env: Environment, log: WriteLog): Promise<number> {
  const inherited = Number(env[LISTEN_FDS_VARIABLE] ?? 0);
  const listen = Array.from({ length: inherited }, (_, index) => ({ fd: 3 + index }));
  const parsed = JSON.parse(config) as GatewayProcessConfig;
  await runGateway({ ...parsed, listen: inherited > 0 ? listen : parsed.listen }, log);
  return 0;
}
