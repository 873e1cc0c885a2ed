import { join } from 'node:path';

/**
 * Makes this process and its children independent of who runs the suite and where: the user's git settings (signing, an
 * identity, hooks) and the repository that a git hook runs in must not leak into tests.
 */
export function isolateEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  Object.assign(env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' });
}

/**
 * Lets the processes of tests share what they compile: each would strip the types of what it imports anew. Not where
 * coverage is measured, which is less exact on compiled code.
 */
export function shareCompiledCode(env: NodeJS.ProcessEnv, root: string): void {
  if (env.NODE_V8_COVERAGE === undefined) env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.compile-cache');
}
