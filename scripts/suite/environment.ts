/**
 * Makes this process and its children independent of who runs the suite and where: the user's git settings (signing, an
 * identity, hooks) and the repository that a git hook runs in must not leak into tests.
 */
export function isolateEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  Object.assign(env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' });
}
