import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type Docker from 'dockerode';

/** What is known of an engine that answered. */
export interface EngineAbout {
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  readonly apiVersion: string;
}

/**
 * Asks an engine who it is. The headers of a ping say it: to be asked for its version in words, Podman looks up which packages each of
 * its parts has come with, which takes a second of a core.
 */
export async function askAbout(docker: Docker): Promise<EngineAbout> {
  return aboutOfPing(await ping(docker)) ?? aboutOfVersion(await docker.version());
}

/** What the headers of a ping say: `Api-Version`, `Server: Docker/28.2.2 (linux)`, and from Podman `Libpod-Api-Version`. */
export function aboutOfPing(headers: IncomingHttpHeaders): EngineAbout | undefined {
  const apiVersion = String(headers['api-version'] ?? '');
  const kind = headers['libpod-api-version'] === undefined ? 'docker' : 'podman';
  const version = /^(?:Docker|Libpod)\/(\S+)/.exec(String(headers.server ?? ''))?.[1];
  return version === undefined || !/^\d+\.\d+$/.test(apiVersion) ? undefined : { kind, version, apiVersion };
}

function aboutOfVersion({ ApiVersion, Version, Components }: Docker.DockerVersion): EngineAbout {
  const parts: readonly { readonly Name: string }[] = Components ?? [];
  const isPodman = parts.some(({ Name }) => /podman/i.test(Name));
  return { kind: isPodman ? 'podman' : 'docker', version: Version, apiVersion: ApiVersion };
}

/** The library's own `ping` gives no headers. */
function ping({ modem }: Docker): Promise<IncomingHttpHeaders> {
  const options = { path: '/_ping', method: 'GET', isStream: true, statusCodes: { 200: true, 500: 'server error' } };
  return new Promise((resolve, reject) => {
    modem.dial(options, (error: Error | null, response: unknown) => {
      if (error !== null) return reject(error);
      // Its two letters have to be read, for the connection to be of use to others.
      resolve((response as IncomingMessage).resume().headers);
    });
  });
}
