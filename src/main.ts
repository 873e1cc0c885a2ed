import './light-http.ts';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import type { CommandIo, CommandPorts } from './cli/ports.ts';
import { readVersion, versionText } from './cli/version.ts';
import type { Settings } from './model/settings.ts';
import { createLog } from './roles/log.ts';
import { surviveClosedOutput } from './roles/survive-closed-output.ts';
import { systemClock } from './roles/system-clock.ts';

// The only place that reads arguments and environment, and that says which process this is. Each role loads its own parts
// only: a gateway knows nothing of git, a supervisor nothing of SQLite.
const [role = '', ...rest] = process.argv.slice(2);
// In a checkout every process would strip the types of all that it loads: half its memory, and most of the time to start. The
// cache lies beside the packages, which belong to whoever may change the program anyway.
if (import.meta.filename.endsWith('.ts'))
  enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/mainspring'));
// What is killed never writes it otherwise.
setTimeout(flushCompileCache, 5_000).unref();

const version = versionText(readVersion(import.meta.dirname));

switch (role) {
  case '__controller':
    process.exitCode = await controller(rest[0] ?? '');
    break;
  case '__gateway':
    process.exitCode = await gateway(rest[0] ?? '');
    break;
  default:
    process.exitCode = await commands(process.argv.slice(2));
}

async function controller(settings: string): Promise<number> {
  surviveClosedOutput();
  const { runController } = await import('./roles/controller.ts');
  const code = await runController({
    settings: JSON.parse(settings) as Settings,
    version,
    env: process.env,
    log: createLog('controller', process.stderr),
  });
  // Nothing may keep a controller alive that has let go of its lock.
  process.exit(code);
}

async function gateway(config: string): Promise<number> {
  const { runGatewayRole } = await import('./roles/gateway.ts');
  return runGatewayRole(config, process.env, createLog('gateway', process.stderr));
}

async function commands(args: readonly string[]): Promise<number> {
  const { runCli } = await import('./cli/program.ts');
  const { wantsColour } = await import('./cli/terminal.ts');
  const interrupted = new AbortController();
  const io: CommandIo = {
    stdout: process.stdout,
    stderr: process.stderr,
    colour: wantsColour(process.stdout, process.env),
    errorColour: wantsColour(process.stderr, process.env),
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    signal: interrupted.signal,
  };
  if (args[0] !== 'serve' && args[0] !== 'demo') process.once('SIGINT', () => interrupted.abort());
  return runCli(args, { ports: commandPorts(), io });
}

function commandPorts(): CommandPorts {
  return {
    version,
    serve: async ({ config }, io) => {
      surviveClosedOutput();
      const { serve } = await import('./roles/serve.ts');
      const { announceReady } = await import('./roles/announce-ready.ts');
      return serve({
        config,
        cwd: io.cwd,
        version,
        env: process.env,
        execArgv: process.execArgv,
        log: createLog('supervisor', process.stderr),
        onReady: (listen, settings) => announceReady(listen, settings, io.stdout),
      });
    },
    check: async ({ dir, json }, { stdout, stderr, colour, signal }) => {
      const { checkCommand } = await import('./cli/check.ts');
      const { readBuiltinSpecs } = await import('./specs/builtin-specs.ts');
      return checkCommand({ dir, json, colour, stdout, stderr, signal, specs: readBuiltinSpecs() });
    },
    demo: async ({ auto }, io) => {
      const { demo } = await import('./demo/demo.ts');
      return demo({ auto }, io);
    },
    createStore: async (dataDir) => {
      const { createStore } = await import('./roles/store.ts');
      createStore(dataDir, systemClock);
    },
    openLocalReader: async (settings) => {
      const { openLocalReader } = await import('./roles/local-reader.ts');
      return openLocalReader(settings, version, process.env);
    },
    verifyChain: async (lines, head) => {
      const { verifyChain } = await import('./audit/verify-chain.ts');
      return verifyChain(lines, head);
    },
    lookAtContainers: async ({ engines, docker }) => {
      const { reportEngine } = await import('./runtime/docker/connection/engine-report.ts');
      return reportEngine(engines.docker, docker, process.env);
    },
    listConfigRepo: async (settings, signal) => {
      const { listConfigRepo } = await import('./roles/list-config-repo.ts');
      return listConfigRepo(settings, process.env, signal);
    },
  };
}
