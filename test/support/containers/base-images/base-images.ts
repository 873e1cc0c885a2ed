import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { busybox } from './busybox.ts';
import { debian } from './debian.ts';
import { golang } from './golang.ts';
import { jre, maven } from './java.ts';
import { makeImage, makerName } from './make-image.ts';
import { node } from './node.ts';
import { python } from './python.ts';
import { BaseImageUnavailable, type Recipe } from './recipe.ts';

const recipes: readonly Recipe[] = [busybox, debian, python, node, golang, maven, jre];

// No stand-in takes longer, however busy the machine.
const longestMs = 5 * 60_000;
const pollMs = 100;

/** The official names that there are stand-ins for. */
export const standInNames: readonly string[] = recipes.flatMap(({ names }) => names);

/** Whether the engine has an image of that name. */
export async function hasImage(docker: Docker, name: string): Promise<boolean> {
  return (await found(docker.getImage(name).inspect())) !== undefined;
}

/**
 * Makes the stand-in of that name in the engine where it is not there. However many ask for it, also from other processes, one makes it and the others wait.
 */
export async function makeStandIn(docker: Docker, name: string, { anew = false } = {}): Promise<void> {
  const recipe = recipes.find(({ names }) => names.includes(withTag(name)));
  if (recipe === undefined) throw new BaseImageUnavailable(`there is no stand-in for ${name}`);
  if (!anew && (await hasImage(docker, name))) return;
  const contents = await recipe.collect();
  while (!(await makeImage(docker, recipe.names, contents))) {
    await untilOtherIsDone(docker, recipe.names);
    if (!anew && (await hasImage(docker, name))) return;
  }
}

/** A name without a tag means the newest: what the engine says too. */
function withTag(name: string): string {
  return /:[^/]+$/.test(name) ? name : `${name}:latest`;
}

/** Waits for whoever makes that image now, but not for one who has died over it. */
async function untilOtherIsDone(docker: Docker, names: readonly string[]): Promise<void> {
  const container = docker.getContainer(makerName(names));
  for (;;) {
    const made = await found(container.inspect());
    if (made === undefined) return;
    const ageMs = Date.now() - Date.parse(made.Created);
    if (ageMs > longestMs) await found(container.remove({ force: true, v: true }));
    await delay(pollMs);
  }
}

/** What the engine answers; undefined if it does not know the thing (any more). */
async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
