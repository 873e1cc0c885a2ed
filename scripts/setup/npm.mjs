import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { SetupError } from './paths.mjs';

/** Runs the user's npm with the Node it was made for, and returns what it printed. */
export function userNpm(args, cwd) {
  // Under "npm run" this is the client that was started; other package managers put themselves there too.
  const cli = process.env.npm_execpath || '';
  const env = withNodeFirst(process.execPath);
  if (/npm-cli\.[cm]?js$/.test(cli) && fs.existsSync(cli)) return runNpm([process.execPath, cli], args, { cwd, env });
  return runNpm(['npm'], args, { cwd, env });
}

/** Runs another npm with another Node, but with the user's configuration, and returns what it printed. */
export function runNpmWith(node, cli, args, cwd) {
  // npm looks for its global configuration beside the Node that runs it, where here is none.
  const globalConfig = process.env.npm_config_globalconfig || userNpm(['config', 'get', 'globalconfig'], cwd).trim();
  const env = Object.assign(withNodeFirst(node), { npm_config_globalconfig: globalConfig });
  return runNpm([node, cli], args, { cwd, env });
}

function runNpm([program, ...first], args, { cwd, env }) {
  const result = spawnSync(program, first.concat(args), {
    cwd,
    encoding: 'utf8',
    env,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.error && result.error.code === 'ENOENT') {
    throw new SetupError('npm was not found on PATH; install it (it usually comes with Node) and try again');
  }
  if (result.error) throw result.error;
  if (result.status === 0) return result.stdout;
  throw new SetupError(`npm ${args.join(' ')} failed:\n${errorLines(result.stderr).join('\n')}`);
}

/** The start of what npm says went wrong; after that it prints all its options. */
function errorLines(stderr) {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^npm (warn|notice)/i.test(line));
  return lines.slice(0, 30);
}

/** Every `node` on PATH, in its order. */
export function nodesOnPath() {
  const dirs = (process.env.PATH || '').split(path.delimiter).filter((dir) => path.isAbsolute(dir));
  return dirs.map((dir) => path.join(dir, 'node')).filter((file) => fs.existsSync(file));
}

/** The environment in which `node` means the given one, for programs that start it by name. */
export function withNodeFirst(node) {
  const env = Object.assign({}, process.env);
  if (nodesOnPath()[0] !== node) env.PATH = path.dirname(node) + path.delimiter + (env.PATH || '');
  return env;
}
