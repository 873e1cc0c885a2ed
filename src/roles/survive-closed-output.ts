/** Whoever reads what this process says may end before it does: a pipe to a pager, a log collector that is restarted. That ends no daemon. */
export function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}
