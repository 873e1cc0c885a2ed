import type { ContainerOrigin } from '../model/spec.ts';
import type { OptionRules } from '../model/spec-table.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGKILL'];

/** Capabilities as `capabilities(7)` names them. Which of them an installation gives is for its settings to say. */
const CAPABILITIES = (
  'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID ' +
  'IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW ' +
  'PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM'
).split(' ');

/** How a container runs: may differ in stage and previews. */
const RUN_OPTIONS: OptionRules = {
  memory: { kind: 'size', description: 'at most so much memory' },
  cpus: { kind: 'number', min: 0.01, description: 'at most so many cores' },
  pids: { kind: 'integer', min: 1, description: 'at most so many processes and threads' },
  nofile: { kind: 'integer', min: 16, description: 'at most so many open files' },
  shm_size: { kind: 'size', description: 'size of /dev/shm' },
  port: { kind: 'integer', min: 1, max: 65_535, description: 'the port that the app listens on' },
  user: {
    kind: 'text',
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]*(:[A-Za-z0-9_][A-Za-z0-9_-]*)?$',
    form: 'a user such as "app" or "1000:1000"',
    description: 'runs as this user, where the image names another',
  },
  init: { kind: 'flag', description: 'a small init is process 1: it passes signals on and reaps what ended' },
  read_only: { kind: 'flag', description: 'nothing of the image can be written to; /tmp can' },
  cap_add: {
    kind: 'choices',
    of: CAPABILITIES,
    description: 'capabilities that it needs beyond the few that all have; the settings must allow them',
  },
  stop_signal: { kind: 'choice', of: SIGNALS, description: 'what asks it to end' },
  stop_grace: { kind: 'duration', description: 'how long it may take to end before it is killed' },
};

const BUILD_OPTIONS: OptionRules = {
  network: { kind: 'flag', build: true, description: 'False: no step of the build reaches a network' },
  build_timeout: { kind: 'duration', build: true, description: 'how long the build may take' },
};

const FILE_OPTIONS: OptionRules = {
  file: { kind: 'path', build: true, description: 'the Containerfile, where it has another name or place' },
  target: {
    kind: 'text',
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
    form: 'the name of a stage',
    build: true,
    description: 'the stage to build, where it is not the last',
  },
};

/** What `container_opts` may say, by where the containers come from. */
export function containerOptions(origin: ContainerOrigin['kind']): OptionRules {
  switch (origin) {
    case 'image':
      return RUN_OPTIONS;
    case 'containerfile':
      return { ...RUN_OPTIONS, ...BUILD_OPTIONS };
    case 'source':
      return { ...RUN_OPTIONS, ...FILE_OPTIONS, ...BUILD_OPTIONS };
  }
}
