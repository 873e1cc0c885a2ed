import { MainspringError } from '../model/errors.ts';
import type { BuildRequest } from './engine.ts';

/** Puts the source of a build into a folder that does not exist yet. Cancelled: rejects, whatever the export made of it. */
export async function exportSource(request: BuildRequest, into: string, signal: AbortSignal): Promise<void> {
  const { key, inputs, exportTree } = request;
  if (exportTree === null) {
    throw new MainspringError('build-failed', `build "${key}": spec "${inputs.spec}" needs a source, found none`);
  }
  const exported: Promise<void> = exportTree(into, signal);
  await exported;
  signal.throwIfAborted();
}
