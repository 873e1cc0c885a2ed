import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { CommandIo, CommandPorts } from './ports.ts';
import type { Reader } from './reader.ts';

/** The options of every command that reads. */
export interface ReadOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly config: string;
}

/** Opens what the options name, hands it to `use`, and closes it whatever happens. */
export async function withReader<T>(
  options: ReadOptions,
  { ports, io }: { readonly ports: CommandPorts; readonly io: CommandIo },
  use: (reader: Reader) => Promise<T>,
): Promise<T> {
  const reader = await openReader(options, ports, io);
  try {
    return await use(reader);
  } finally {
    await reader.close();
  }
}

async function openReader(options: ReadOptions, ports: CommandPorts, io: CommandIo): Promise<Reader> {
  if (options.url === undefined) {
    if (options.tokenFile !== undefined) throw new MainspringError('usage', '--token-file goes with --url');
    const { loadSettings } = await import('../settings/load.ts');
    return await ports.openLocalReader(await loadSettings(resolve(io.cwd, options.config), io.env));
  }
  const token = options.tokenFile === undefined ? null : await readToken(resolve(io.cwd, options.tokenFile));
  const { httpReader } = await import('./reader-http.ts');
  return httpReader({ url: options.url, token, verify: ports.verifyChain });
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new MainspringError('usage', `--token-file: "${file}" can't be read`, { cause: error });
  }
}
