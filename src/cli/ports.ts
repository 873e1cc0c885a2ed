import type { Clock } from '../model/clock.ts';
import type { Settings } from '../model/settings.ts';
import type { AuditLine } from '../model/surface.ts';
import type { Finding } from './doctor-finding.ts';
import type { AuditVerdict, Reader } from './reader.ts';
import type { Out } from './terminal.ts';

/** What a command has around it. */
export interface CommandIo {
  readonly stdout: Out;
  readonly stderr: Out;
  /** Whether standard output takes colours. */
  readonly colour: boolean;
  /** Whether standard error takes colours. */
  readonly errorColour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
}

/**
 * What the commands need of the rest of the program. Each function loads what it needs when it is called, so that a
 * command costs no more than it uses. Those that give a number give the exit code.
 */
export interface CommandPorts {
  /** `0.1.0 (commit 1a2b3c4d)`. */
  readonly version: string;
  serve(options: { readonly config: string }, io: CommandIo): Promise<number>;
  check(options: { readonly dir: string; readonly json: boolean }, io: CommandIo): Promise<number>;
  demo(options: { readonly auto: boolean }, io: CommandIo): Promise<number>;
  /** Makes the database in a data folder that has none. */
  createStore(dataDir: string): Promise<void>;
  /** Reads from the data folder of this machine. Throws `not-initialised` if there is none. */
  openLocalReader(settings: Settings): Promise<Reader>;
  /** Follows the chain of the audit log from its start. */
  verifyChain(lines: AsyncIterable<AuditLine>, head: string | null): Promise<AuditVerdict>;
  /** Lists the config repo now and gives the commit of the followed branch; throws when it can't be reached or lacks it. */
  listConfigRepo(settings: Settings, signal: AbortSignal): Promise<string>;
  /** Looks for the container engine and at what it can; throws where it does not answer. Changes nothing. */
  lookAtContainers(settings: Settings): Promise<readonly Omit<Finding, 'name'>[]>;
}
