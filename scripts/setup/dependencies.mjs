import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fetchPackage } from './fetch.mjs';
import { makeWorkDir, removeTree } from './lock.mjs';
import { runNpmWith, userNpm } from './npm.mjs';
import { root, say, seconds, toolDir } from './paths.mjs';

const modulesDir = path.join(root, 'node_modules');
const stampName = '.mainspring-stamp';

// npm leaves out optional packages that its own Node is too old for, and an npm that a distribution has taken apart
// runs with no Node but its own. So a Node other than the user's gets an npm of its own, too.
const pinnedNpm = {
  spec: 'npm@11.19.1',
  integrity: 'sha512-ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g==',
};
const localNpm = path.join(toolDir, 'lib', pinnedNpm.spec.replace('@', '-'));

/** True when node_modules is a whole install of what the lock file names now. */
export function isInstalled() {
  try {
    return fs.readFileSync(path.join(modulesDir, stampName), 'utf8') === wantedStamp();
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Installs what the lock file names in a folder beside the checkout's node_modules, then swaps the two. */
export function install(node) {
  const startedMs = Date.now();
  say('installing the dependencies that package-lock.json names …');
  const work = makeWorkDir('modules');
  try {
    // Taken before npm reads the lock: should that change meanwhile, this install counts as the old one.
    const stamp = wantedStamp();
    copyManifests(work);
    installInto(work, node);
    const made = path.join(work, 'node_modules');
    fs.writeFileSync(path.join(made, stampName), stamp);
    if (fs.existsSync(modulesDir)) fs.renameSync(modulesDir, path.join(work, 'old_modules'));
    fs.renameSync(made, modulesDir);
  } finally {
    removeTree(work);
  }
  say(`dependencies are ready (${seconds(startedMs)})`);
}

function installInto(dir, node) {
  // Development tools too, whatever NODE_ENV says: check and test need them, and the stamp knows no difference.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  if (node === process.execPath) userNpm(args, dir);
  else runNpmWith(node, path.join(fetchNpm(), 'bin', 'npm-cli.js'), args, dir);
}

function fetchNpm() {
  if (fs.existsSync(localNpm)) return localNpm;
  const work = makeWorkDir('npm');
  try {
    fs.mkdirSync(path.dirname(localNpm), { recursive: true });
    fs.renameSync(fetchPackage(pinnedNpm, work), localNpm);
  } finally {
    removeTree(work);
  }
  return localNpm;
}

/** What node_modules has to match. No Node ABI in it: with install scripts off, nothing is compiled for one. */
function wantedStamp() {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

/** All that npm needs to see of the checkout. The links to workspaces are relative, so they survive the move. */
function copyManifests(work) {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const workspaces = manifest.workspaces.map((dir) => path.join(dir, 'package.json'));
  for (const file of ['package.json', 'package-lock.json', '.npmrc'].concat(workspaces)) {
    fs.mkdirSync(path.dirname(path.join(work, file)), { recursive: true });
    fs.copyFileSync(path.join(root, file), path.join(work, file));
  }
}
