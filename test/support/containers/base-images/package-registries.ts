import { execa } from 'execa';

/** The bundle of the certificates that a Debian machine trusts; the stand-ins have this machine's. */
export const bundle = '/etc/ssl/certs/ca-certificates.crt';

/** Tells programs that bring certificates of their own to use the system's. */
export function caEnv(): Record<string, string> {
  const readers = ['SSL_CERT_FILE', 'PIP_CERT', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE'];
  return { ...Object.fromEntries(readers.map((name) => [name, bundle])), UV_NATIVE_TLS: '1' };
}

/** What images with Python set, and where pip and uv find packages. */
export async function pythonEnv(): Promise<Record<string, string>> {
  return { LANG: 'C.UTF-8', PYTHON_VERSION: '3.13', PIP_DISABLE_PIP_VERSION_CHECK: '1', ...(await pipEnv()) };
}

/** The package index that pip is told to use on this machine, for pip and uv. */
async function pipEnv(): Promise<Record<string, string>> {
  const index = await ask('pip', ['config', 'get', 'global.index-url']);
  const more = await ask('pip', ['config', 'get', 'global.extra-index-url']);
  return {
    ...(index !== '' && { PIP_INDEX_URL: index, UV_DEFAULT_INDEX: index }),
    ...(more !== '' && { PIP_EXTRA_INDEX_URL: more, UV_INDEX: more }),
  };
}

/** The registry that npm is told to use on this machine. */
export async function npmEnv(): Promise<Record<string, string>> {
  const registry = await ask('npm', ['config', 'get', 'registry']);
  return /^https?:/.test(registry) ? { NPM_CONFIG_REGISTRY: registry } : {};
}

/** Where Go is told to fetch modules and to check them on this machine. */
export async function goEnv(): Promise<Record<string, string>> {
  const names = ['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOPRIVATE'];
  const values = (await ask('go', ['env', ...names])).split('\n');
  return Object.fromEntries(names.flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])));
}

/** The mirrors in a Maven settings file, as they stand there; credentials stay where they are. */
export function mavenMirrors(settings: string): string {
  const plain = settings.replaceAll(/<!--[\s\S]*?-->/g, '');
  return /<mirrors>[\s\S]*?<\/mirrors>/.exec(plain)?.[0] ?? '';
}

async function ask(program: string, args: readonly string[]): Promise<string> {
  const { stdout, failed } = await execa(program, [...args], { reject: false, cwd: '/' });
  return failed ? '' : stdout.trim();
}
