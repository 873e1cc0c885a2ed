import { columns, type Paint } from '../cli/terminal.ts';

/** What the tour refers to: absolute paths, and where the apps are. */
export interface TourPlaces {
  readonly url: string;
  /** Where the preview of the branch `try` will be, without a slash at the end. */
  readonly previewUrl: string;
  readonly statusUrl: string;
  readonly folder: string;
  readonly work: string;
  readonly config: string;
  /** The program, as it can be typed. */
  readonly program: string;
}

/** What to try, each step to be pasted into another terminal. */
export function tourText(places: TourPlaces, paint: Paint): string {
  const { url, previewUrl, statusUrl, folder, work, config, program } = places;
  const mainspring = shellWord(program);
  const settings = `--config ${shellWord(config)}`;
  const step = (number: number, title: string, ...commands: readonly string[]) =>
    `${paint('bold', `${number}. ${title}`)}\n${commands.map((command) => `     ${command}\n`).join('')}`;
  const links = columns(
    [
      [paint('cyan', `${url}/`), 'a page: the files in site/'],
      [paint('cyan', `${url}/hello`), 'a process: the code in hello/'],
      [paint('cyan', statusUrl), 'what runs, as JSON'],
    ],
    '  ',
  );
  return `
${links.join('\n')}

Things to try, in another terminal, with the page open in a browser:

${step(
  1,
  'Change the page and push',
  `cd ${shellWord(work)}`,
  `echo '<p>Hello from git!</p>' >> site/index.html`,
  `git commit -qam 'Say hello' && git push -q`,
)}
${step(
  2,
  `Try something on a branch: it gets a preview at ${previewUrl}/`,
  'git checkout -qb try',
  `echo '<p>Only a try.</p>' >> site/index.html`,
  `git commit -qam 'Try something' && git push -qu origin try`,
)}
${step(
  3,
  'Merge it: live, without a build; the preview is over, since nothing differs any more',
  'git checkout -q main && git merge -q try && git push -q',
)}
${step(4, 'Take it back: what was there before is switched to', 'git revert --no-edit HEAD && git push -q')}
${step(5, 'Delete the branch', 'git push -q origin --delete try && git branch -qD try')}
${step(
  6,
  'Break the config and push: nothing changes but the error below',
  `echo 'app("/docs", "./site", spec = "statik")' >> apps.star`,
  `git commit -qam 'Add the docs' && git push -q`,
  `${mainspring} status ${settings}`,
)}
${step(7, 'Take that back', 'git revert --no-edit HEAD && git push -q')}
${step(
  8,
  'See which commit did what, and why the page is as it is',
  `${mainspring} audit ${settings}`,
  `${mainspring} explain / ${settings}`,
)}
Or change GREETING in apps.star, or the code in hello/: the new process is started and looked at before it gets requests.
Everything is in ${folder}; it is used again next time. Remove that folder to start afresh.

`;
}

/** A path as a shell takes it for one word. */
export function shellWord(path: string): string {
  return /^[\w./:@%+,=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
