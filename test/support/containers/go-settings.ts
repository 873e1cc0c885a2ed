/**
 * Environment of engines that tests start. They start themselves for each namespace, layer and container, and a Go program collects
 * garbage at 4 MiB, before it has done anything: a third of the work of those processes.
 */
export const GO_SETTINGS = { GOGC: '400' } as const;
