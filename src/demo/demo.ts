import { EXIT } from '../cli/exit-code.ts';
import type { CommandIo } from '../cli/ports.ts';
import { autoDemo } from './auto.ts';
import { takeInterrupts } from './interrupts.ts';
import { standingDemo } from './standing.ts';

/**
 * The guided tour, with a config repo and apps of its own: until Ctrl-C, with what happens told as it happens; or, with
 * `auto`, played by itself and gone afterwards. Gives the exit code.
 */
export async function demo({ auto }: { readonly auto: boolean }, io: CommandIo): Promise<number> {
  const interrupts = takeInterrupts();
  // Whoever reads along may be gone (a closed terminal, a cut pipe); the demo still has to end in order.
  const ignore = () => {};
  io.stdout.on('error', ignore);
  try {
    return await (auto ? autoDemo(io, interrupts) : standingDemo(io, interrupts));
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
    io.stdout.write('interrupted\n');
    return EXIT.failed;
  } finally {
    interrupts.close();
    io.stdout.off('error', ignore);
  }
}
