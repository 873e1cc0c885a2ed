import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { userNpm } from './npm.mjs';
import { SetupError } from './paths.mjs';

/**
 * Fetches a package at its pinned version into an empty folder and returns where it is unpacked, whole or only the one
 * file asked for. Throws if it is not byte for byte what was pinned.
 */
export function fetchPackage(pin, work, onlyFile = '') {
  userNpm(['pack', pin.spec, '--pack-destination', work], work);
  const tarball = path.join(work, fs.readdirSync(work).find((name) => name.endsWith('.tgz')) || '');
  checkIntegrity(fs.readFileSync(tarball), pin);
  const wanted = path.posix.join('package', onlyFile);
  const tar = spawnSync('tar', ['-xzf', tarball, '-C', work, wanted], { encoding: 'utf8' });
  if (tar.status === 0) return path.join(work, 'package');
  throw new SetupError(`unpacking ${pin.spec} failed: ${tar.error ? tar.error.message : tar.stderr}`);
}

/** Throws unless the bytes are those that were pinned. */
export function checkIntegrity(bytes, pin) {
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (found !== pin.integrity) {
    throw new SetupError(`${pin.spec} is not what was pinned: expected ${pin.integrity}, got ${found}`);
  }
}
