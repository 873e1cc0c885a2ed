import { rm } from 'node:fs/promises';
import { EXIT } from '../cli/exit-code.ts';
import type { CommandIo } from '../cli/ports.ts';
import { errorText, painter } from '../cli/terminal.ts';
import { problemOf } from '../model/errors.ts';
import { logTail } from './daemon.ts';
import { prepare } from './installation.ts';
import type { Interrupts } from './interrupts.ts';
import { passingFolder } from './place.ts';
import { type Session, withSession } from './session.ts';
import { STORY } from './story.ts';

/** The demo that plays itself: in a folder and on a port of its own, of which nothing is left. Gives 0 if all went as it should. */
export async function autoDemo(io: CommandIo, interrupts: Interrupts): Promise<number> {
  const startedAt = performance.now();
  const folder = await passingFolder();
  io.stdout.write(`The demo plays in ${folder}, which is removed at the end\n`);
  try {
    const installation = await prepare(folder, 0, io);
    const code = await withSession(installation, interrupts, (session) => play(session, io, interrupts.signal));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    io.stdout.write(`${code === EXIT.fine ? 'all went as it should' : 'something went wrong'}; ${seconds} s in all\n`);
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function play(session: Session, io: CommandIo, signal: AbortSignal): Promise<number> {
  const paint = painter(io.colour);
  for (const [index, step] of STORY.entries()) {
    const title = `${index + 1}. ${step.title}`;
    try {
      const told = await step.play({ ...session, signal, paint });
      io.stdout.write(
        `\n${paint('green', 'done')}  ${paint('bold', title)}\n${told.map((line) => `      ${line}\n`).join('')}`,
      );
    } catch (error) {
      signal.throwIfAborted();
      io.stdout.write(`\n${paint('red', 'wrong')} ${paint('bold', title)}\n`);
      io.stderr.write(`${errorText(problemOf(error), painter(io.errorColour))}${await logTail(session.folder, 10)}\n`);
      return EXIT.failed;
    }
  }
  io.stdout.write('\n');
  return EXIT.fine;
}
