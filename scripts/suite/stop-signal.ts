const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How somebody stops a run from outside. */
export interface StopSignal {
  /** Aborted by the first signal that asks this process to end; a second one ends it at once. */
  readonly stop: AbortSignal;
  /** The signal that came, if one did. */
  signal(): (typeof signals)[number] | undefined;
}

/** From now on a signal to end does not end this process, so that it can first end what it has started. */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  let received: (typeof signals)[number] | undefined;
  for (const name of signals) {
    process.once(name, () => {
      received ??= name;
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return { stop: controller.signal, signal: () => received };
}
