import type { DockerBuildSettings, DockerSettings, RegistryCredential } from '../model/settings.ts';
import type { Values } from './parse.ts';

const MIB = 1024 ** 2;

/** `[docker]`, with its defaults. */
export function dockerOf(values: Values): DockerSettings {
  return {
    networks: values.get('docker.networks') ?? '10.213.0.0/16',
    limits: {
      memoryBytes: values.get('docker.memory') ?? 1024 * MIB,
      cpus: values.get('docker.cpus') ?? 1,
      pids: values.get('docker.pids') ?? 512,
    },
    capabilities: values.get('docker.capabilities') ?? [],
    binds: values.get('docker.binds') ?? [],
    build: buildOf(values),
    maxDiskBytes: values.get('docker.max_disk') ?? null,
    minFreeBytes: values.get('docker.min_free') ?? 1024 * MIB,
  };
}

/** One `[registry.NAME]`. */
export function registryOf(name: string, values: Values): RegistryCredential {
  return {
    host: values.get('registry.*.host', name) ?? '',
    username: values.get('registry.*.username', name) ?? '',
    passwordFile: values.get('registry.*.password_file', name) ?? '',
  };
}

function buildOf(values: Values): DockerBuildSettings {
  return {
    builder: values.get('docker.builder') ?? 'auto',
    timeoutMs: values.get('docker.build_timeout') ?? 10 * 60_000,
    bounds: {
      pids: values.get('docker.build_pids') ?? 4096,
      memoryBytes: values.get('docker.build_memory') ?? 4096 * MIB,
    },
    memoryBytes: values.get('docker.build_memory') ?? null,
    cpus: values.get('docker.build_cpus') ?? null,
    httpProxy: values.get('docker.http_proxy') ?? null,
    httpsProxy: values.get('docker.https_proxy') ?? null,
    noProxy: values.get('docker.no_proxy') ?? null,
    caBundle: values.get('docker.ca_bundle') ?? null,
  };
}
