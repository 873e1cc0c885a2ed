import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../cli/exit-code.ts';
import type { CommandIo } from '../cli/ports.ts';
import { configErrorLines } from '../cli/render-status.ts';
import { oneLine, type Paint, painter } from '../cli/terminal.ts';
import { MainspringError } from '../model/errors.ts';
import { placesIn } from '../roles/places.ts';
import { claimSupervision } from '../supervisor/run-files.ts';
import { logFile } from './daemon.ts';
import { Follower } from './follow.ts';
import { type Installation, prepare } from './installation.ts';
import type { Interrupts } from './interrupts.ts';
import { occupy } from './occupancy.ts';
import { programFolder, standingFolder } from './place.ts';
import { type Session, settled, withSession } from './session.ts';
import { tourText } from './tour.ts';

const FIRST_PORT = 8080;

/** The demo for a person: runs until it is interrupted, and keeps its folder for the next time. */
export async function standingDemo(io: CommandIo, interrupts: Interrupts): Promise<number> {
  const startedAt = performance.now();
  const folder = await standingFolder(io.env);
  const occupancy = occupy(folder);
  try {
    io.stdout.write(`The demo is in ${folder}\n`);
    refuseLeftover(placesIn(join(folder, 'data')).runDir);
    const installation = await prepare(folder, FIRST_PORT, io);
    occupancy.announce(installation.settings.publicUrl);
    return await withSession(installation, interrupts, (session) => guide(session, { io, interrupts, startedAt }));
  } finally {
    occupancy.release();
  }
}

/** What a demo that was killed left running has the data folder, and can't be seen from here: a person has to end it. */
function refuseLeftover(runDir: string): void {
  if (!existsSync(runDir)) return;
  try {
    claimSupervision(runDir)();
  } catch (error) {
    if (!(error instanceof MainspringError) || error.code !== 'store-locked') throw error;
    throw new MainspringError('store-locked', error.message.replace(/^serve:/, 'demo:'), {
      cause: error,
      hint: 'An earlier demo was killed and left it running. End that process with "kill", then start again.',
    });
  }
}

interface Guiding {
  readonly io: CommandIo;
  readonly interrupts: Interrupts;
  readonly startedAt: number;
}

async function guide(session: Session, { io, interrupts, startedAt }: Guiding): Promise<number> {
  const { signal } = interrupts;
  const paint = painter(io.colour);
  const say = (text: string) => void io.stdout.write(`${text}\n`);
  await sayReady(session, { say, paint, signal, startedAt });
  const follower = new Follower(session, { after: await lastEvent(session), paint, say });
  const daemonEnded = session.daemon.ended.then(() => 'daemon' as const);
  const told = follower.run(signal).then(() => 'interrupted' as const);
  if ((await Promise.race([daemonEnded, told])) === 'interrupted') {
    say('\nstopping …');
    return EXIT.fine;
  }
  say(`"mainspring serve" has ended by itself; what it said is in ${logFile(session.folder)}`);
  return EXIT.failed;
}

/** The last event before now: that all came up has been told. */
async function lastEvent({ reader }: Session): Promise<number> {
  const { audit } = await reader.status();
  return Number(audit.head.split(':')[0]);
}

interface Saying {
  readonly say: (text: string) => void;
  readonly paint: Paint;
  readonly signal: AbortSignal;
  readonly startedAt: number;
}

async function sayReady(session: Session, { say, paint, signal, startedAt }: Saying): Promise<void> {
  const outcome = await settled(session, await session.repo.tip(), signal);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  if (outcome.kind === 'live') say(`${paint('green', 'ready')} after ${seconds} s: ${oneLine(outcome.message)}`);
  else {
    say(`${paint('yellow', 'ready')} after ${seconds} s, but ${oneLine(outcome.message)}`);
    for (const text of await reasons(session, outcome, paint)) say(`  ${text}`);
  }
  say(tourText(places(session), paint).trimEnd());
  say(`\nWhat happens (Ctrl-C ends the demo; what its processes write is in ${logFile(session.folder)}):`);
}

/** The repo may have been left with a broken config last time. */
async function reasons(
  { reader }: Session,
  outcome: Awaited<ReturnType<typeof settled>>,
  paint: Paint,
): Promise<readonly string[]> {
  const { config } = await reader.status();
  if (config.errors.length > 0) return config.errors.flatMap((error) => configErrorLines(error, paint));
  return outcome.kind === 'failed' ? outcome.reasons.map(oneLine) : [];
}

function places({ settings, repo, folder, config }: Installation) {
  const { port } = new URL(settings.publicUrl);
  return {
    url: settings.publicUrl,
    previewUrl: `http://try.${settings.envDomain}${port === '' ? '' : `:${port}`}`,
    statusUrl: `http://${settings.status.host}${port === '' ? '' : `:${port}`}/api/v1/status`,
    folder,
    work: repo.work,
    config,
    program: join(programFolder(), 'bin/mainspring'),
  };
}
