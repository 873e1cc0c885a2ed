const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Aborts `signal` when the user wants the program to end; what comes after that is handed to `onMore`. */
export interface Interrupts {
  readonly signal: AbortSignal;
  onMore: () => void;
  /** Gives the signals back. */
  close(): void;
}

/** Takes over what Ctrl-C, `kill` and a closed terminal send. */
export function takeInterrupts(): Interrupts {
  const controller = new AbortController();
  const interrupts: Interrupts = {
    signal: controller.signal,
    onMore: () => {},
    close: () => {
      for (const name of SIGNALS) process.off(name, handle);
    },
  };
  const handle = () => {
    if (controller.signal.aborted) interrupts.onMore();
    else controller.abort();
  };
  for (const name of SIGNALS) process.on(name, handle);
  return interrupts;
}
