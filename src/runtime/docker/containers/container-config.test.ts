import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppId, ArtifactKey, EnvName, InstallationId, InstanceId, RevisionHash } from '../../../model/ids.ts';
import type { RevisionSpec } from '../../../model/revision.ts';
import type { InstanceRequest } from '../../engine.ts';
import { appPort, type ContainerPlan, containerConfig } from './container-config.ts';
import { parseContainerOptions } from './container-opts.ts';
import { mountsOf } from './volumes.ts';

const installation = 'aabbccddeeff' as InstallationId;
const settings = { limits: { memoryBytes: 1024 ** 3, cpus: 1, pids: 512 }, capabilities: ['SYS_PTRACE'] };

function planOf(edit: {
  opts?: Record<string, string | number | boolean | string[]>;
  spec?: Partial<RevisionSpec>;
  ports?: number[];
  enforced?: Partial<ContainerPlan['enforced']>;
}): ContainerPlan {
  const none = { params: {}, containerOpts: {} };
  const key = 'a'.repeat(64) as ArtifactKey;
  const spec: RevisionSpec = {
    ...{ artifact: key, engine: 'docker', spec: 'container', params: {}, containerOpts: {}, containerArgs: {} },
    ...{ containerVols: [], appConfig: {}, overrides: { stage: none, previews: none }, ...edit.spec },
  };
  const request: InstanceRequest = {
    ...{ id: 'i-1' as InstanceId, env: 'pr-1' as EnvName, app: '/tools/sales' as AppId, generation: 7, spec },
    revision: 'b'.repeat(64) as RevisionHash,
    artifact: { key, digest: 'sha256:1' },
    variables: {
      APP_URL: 'http://pr-1.env.localhost/tools/sales',
      APP_PATH: '/tools/sales',
      APP_ENV: 'pr-1',
      SECRET: 's3cret',
    },
    ...{ containerOpts: edit.opts ?? {}, dataName: 'pr-1/tools-sales-0123456789ab' },
  };
  const options = parseContainerOptions(request.containerOpts, settings);
  const image = { id: 'sha256:1', ports: edit.ports ?? [], volumes: ['/var/lib/x/'], user: '' };
  const mounts = mountsOf(installation, request, image.volumes, (path) => `/data/files/${path}`);
  const enforced = { memory: true, cpus: true, pids: true, ...edit.enforced };
  const place = { network: 'net', hostPort: 20_123 };
  return { installation, request, options, image, mounts, enforced, userProcesses: null, ...place };
}

test('a container is confined, limited, reached over loopback alone, and never started by the engine itself', () => {
  const { HostConfig: host, Image, name } = containerConfig(planOf({}));
  assert.deepEqual([Image, name], ['sha256:1', 'mainspring-aabbccddeeff-i-1']);
  assert.deepEqual(host?.PortBindings, { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '20123' }] });
  assert.deepEqual(
    [host?.CapDrop, host?.SecurityOpt, host?.Init, host?.ReadonlyRootfs, host?.Privileged],
    [['ALL'], ['no-new-privileges'], true, false, undefined],
  );
  assert.deepEqual([host?.Memory, host?.NanoCpus, host?.PidsLimit], [1024 ** 3, 1e9, 512]);
  assert.deepEqual(host?.RestartPolicy, { Name: 'no' });
  assert.equal(host?.NetworkMode, 'net');
});

test('an engine is not asked for limits that it does not enforce', () => {
  const { HostConfig: host } = containerConfig(planOf({ enforced: { memory: false, cpus: false } }));
  assert.deepEqual([host?.Memory, host?.NanoCpus, host?.PidsLimit], [undefined, undefined, 512]);
  assert.equal(containerConfig(planOf({ enforced: { pids: false } })).HostConfig?.PidsLimit, 0);
});

test('values of variables are in no label and in no argument', () => {
  const { Labels, Cmd } = containerConfig(planOf({ spec: { run: { command: ['serve', '--port={PORT}'] } } }));
  assert.doesNotMatch(JSON.stringify([Labels, Cmd]), /s3cret/);
  assert.deepEqual(
    ['installation', 'app', 'env', 'instance', 'generation'].map((name) => Labels?.[`mainspring.${name}`]),
    [installation, '/tools/sales', 'pr-1', 'i-1', '7'],
  );
});

test('placeholders of a spec are filled in, and what the engine sets wins over what the app says', () => {
  const run = {
    command: ['serve', '{PORT}', '{"json": 1}'],
    variables: { ROOT: '{APP_PATH}/', PORT: '1' },
    port: 8501,
  };
  const { Cmd, Env } = containerConfig(planOf({ spec: { run } }));
  assert.deepEqual(Cmd, ['serve', '8501', '{"json": 1}']);
  assert.ok(
    Env?.includes('ROOT=/tools/sales/') && Env.includes('PORT=8501') && Env.includes('APP_DATA=/mainspring/data'),
  );
});

for (const [name, edit, port] of [
  ['as its options say', { opts: { port: 3000 }, ports: [80], spec: { run: { port: 9000 } } }, 3000],
  ['else as its spec says', { ports: [80], spec: { run: { port: 9000 } } }, 9000],
  ['else the only one that its image exposes', { ports: [80] }, 80],
  ['else, with none or several, 8080', { ports: [80, 443] }, 8080],
] as const) {
  test(`the port of an app: ${name}`, () => {
    const { ports, ...rest } = edit as {
      ports?: readonly number[];
      opts?: { port: number };
      spec?: Partial<RevisionSpec>;
    };
    assert.equal(appPort(planOf({ ...rest, ports: [...(ports ?? [])] })), port);
  });
}

test('apps of an environment find each other by name', () => {
  const { NetworkingConfig: networking } = containerConfig(planOf({}));
  assert.deepEqual(networking?.EndpointsConfig?.net?.Aliases, ['tools-sales', 'tools-sales-0123456789ab']);
});

test('data, declared volumes and those of the image are mounted by names of this app and environment', () => {
  const { HostConfig: host } = containerConfig(
    planOf({ spec: { containerVols: ['cache:/cache:ro', '/srv/x:/x', './app.toml:/etc/app.toml'] } }),
  );
  assert.deepEqual(
    host?.Mounts?.map(({ Type, Source, Target, ReadOnly }) => [Type, Source, Target, ReadOnly]),
    [
      ['volume', 'mainspring-aabbccddeeff.pr-1.tools-sales-0123456789ab.data', '/mainspring/data', false],
      ['volume', 'mainspring-aabbccddeeff.pr-1.tools-sales-0123456789ab.vol-cache', '/cache', true],
      ['bind', '/srv/x', '/x', false],
      ['bind', '/data/files/app.toml', '/etc/app.toml', true],
      ['volume', 'mainspring-aabbccddeeff.pr-1.tools-sales-0123456789ab.path-7bcd4034e6da', '/var/lib/x', false],
    ],
  );
});

for (const [name, opts] of [
  ['memory', { memory: 'lots' }],
  ['cpus', { cpus: 0 }],
  ['port', { port: 70_000 }],
  ['cap_add', { cap_add: ['SYS_ADMIN'] }],
  ['user', { user: 'a b' }],
  ['stop_signal', { stop_signal: 'STOP IT' }],
] as const) {
  test(`container_opts ${name} that can't be is refused by name`, () => {
    const plan = () => planOf({ opts: opts as never });
    assert.throws(
      plan,
      (error: Error) => 'code' in error && error.code === 'start-failed' && error.message.includes(`"${name}"`),
    );
  });
}

test('a capability that the settings allow is added', () => {
  const { HostConfig: host } = containerConfig(planOf({ opts: { cap_add: ['cap_sys_ptrace'] } }));
  assert.ok(host?.CapAdd?.includes('SYS_PTRACE'));
});
