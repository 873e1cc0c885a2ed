import { type Command, InvalidArgumentError, Option } from 'commander';
import { DURATION_FORM, parseDurationMs } from '../model/duration.ts';
import { isCommitId } from '../model/ids.ts';

/** Where settings are looked for. */
export const DEFAULT_CONFIG = './mainspring.toml';

/** `--config`, for all that works on this machine. */
export function configOption(): Option {
  return new Option('--config <file>', 'the settings').default(DEFAULT_CONFIG);
}

/** Adds where to read from: a running daemon, or the data folder that the settings name. */
export function readingFrom(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      new Option('--url <url>', 'read from a running daemon: the address of its status host').argParser(parseUrl),
    )
    .option('--token-file <file>', 'the token for --url, where one is needed');
}

/** `--json`. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON, as docs/cli.md describes it');
}

/** A duration, in milliseconds. */
export function parseDuration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError(`Should be ${DURATION_FORM}.`);
  return ms;
}

/** A full commit id. */
export function parseCommit(text: string): string {
  const commit = text.toLowerCase();
  if (!isCommitId(commit)) throw new InvalidArgumentError('Should be a full commit id (git rev-parse HEAD).');
  return commit;
}

/** A number of lines. */
export function parseCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Should be a whole number.');
  return Number(text);
}

/** `ID:HASH`, as `status` prints it. */
export function parseHead(text: string): string {
  if (!/^\d+:[0-9a-f]{64}$/.test(text)) {
    throw new InvalidArgumentError('Should be ID:HASH, as "mainspring status --json" gives it in audit.head.');
  }
  return text;
}

function parseUrl(text: string): string {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isHttp) throw new InvalidArgumentError('Should be a URL such as "http://mainspring.localhost:8080".');
  return text;
}
