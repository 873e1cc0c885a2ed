import type { Spec, SpecBook } from '../model/spec.ts';
import type { OptionRules } from '../model/spec-table.ts';

const STATIC_CONFIG: OptionRules = {
  index: { kind: 'path', default: 'index.html', description: 'the file that is served for a folder' },
};

const STATIC: Spec = {
  name: 'static',
  description: 'files, served as they are',
  engine: 'static',
  rules: {
    needsSource: true,
    stripPath: true,
    slash: 'always',
    params: {},
    containerOpts: {},
    appConfig: STATIC_CONFIG,
  },
  sleeps: false,
  fallback: null,
  buildOptions: [],
  detect: { files: ['index.html'], order: 90 },
};

const STATIC_SINGLE: Spec = {
  name: 'static_single',
  description: 'files of a single-page app: what does not exist is index.html',
  engine: 'static',
  rules: STATIC.rules,
  sleeps: false,
  fallback: 'index.html',
  buildOptions: [],
};

const PROCFILE: Spec = {
  name: 'procfile',
  description: 'a process, started as the line "web" of its Procfile says; without isolation',
  engine: 'process',
  rules: {
    needsSource: true,
    stripPath: true,
    // The app may well answer there itself.
    slash: false,
    params: 'environment',
    containerOpts: {
      memory: { kind: 'size', description: 'at most so much memory' },
      cpus: { kind: 'number', min: 0.01, description: 'at most so many cores' },
      pids: { kind: 'integer', min: 1, description: 'at most so many processes and threads' },
      nofile: { kind: 'integer', min: 16, description: 'at most so many open files' },
    },
    appConfig: {
      build: { kind: 'command', description: 'runs once for each state of the files' },
      build_timeout: { kind: 'duration', description: 'how long that may take' },
    },
  },
  sleeps: true,
  fallback: null,
  buildOptions: ['build', 'build_timeout'],
  detect: { files: ['Procfile'], order: 10 },
};

const PROXY: Spec = {
  name: 'proxy',
  description: 'somebody else’s server',
  engine: 'proxy',
  rules: {
    needsSource: false,
    stripPath: true,
    slash: false,
    params: { url: { kind: 'url', required: true, description: 'where requests are passed to' } },
    containerOpts: {},
    appConfig: {},
  },
  sleeps: false,
  fallback: null,
  buildOptions: [],
};

/** The specs that run no containers. */
export const CODE_SPECS: SpecBook = {
  static: STATIC,
  static_single: STATIC_SINGLE,
  procfile: PROCFILE,
  proxy: PROXY,
};
