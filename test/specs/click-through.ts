import type { Browser, Page } from 'puppeteer-core';

/** What clicking through an example came to. */
export interface Seen {
  /** The colour of the heading: the example's own asset says it. */
  readonly colour: string;
  /** Where the last click led to. */
  readonly path: string;
  /** Addresses that answered with an error or not at all, icons aside. */
  readonly broken: readonly string[];
}

const PATIENCE_MS = 30_000;

/**
 * Goes through an example as a person does: the page with its asset, the click that counts a visit (by redirect and cookie, or by WebSocket), the
 * echo of a WebSocket where there is one, the link to another page where there is one. Throws where something does not come.
 */
export async function clickThrough(browser: Browser, url: string): Promise<Seen> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await clickOnce(browser, url);
    if ('colour' in outcome) return outcome;
    // Each container that starts or ends makes and removes a network link, and the browser gives up what it was loading.
    if (!outcome.isNetworkChanged || tries === 5) throw outcome.error;
  }
}

interface Failed {
  readonly error: unknown;
  readonly isNetworkChanged: boolean;
}

async function clickOnce(browser: Browser, url: string): Promise<Seen | Failed> {
  const failures: string[] = [];
  try {
    const seen = await goThrough(browser, url, failures);
    const isCut = failures.some(isNetworkChange);
    return isCut ? { error: new Error(failures.join('\n')), isNetworkChanged: true } : seen;
  } catch (error) {
    return { error, isNetworkChanged: [...failures, String(error)].some(isNetworkChange) };
  }
}

function isNetworkChange(text: string): boolean {
  return text.includes('ERR_NETWORK_CHANGED');
}

async function goThrough(browser: Browser, url: string, failures: string[]): Promise<Seen> {
  // A profile of its own: cookies of one place must not be what another one shows.
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('requestfailed', (request) => failures.push(`${request.url()}: ${request.failure()?.errorText}`));
    const broken = watchBroken(page);
    await page.goto(url);
    await showsVisits(page, 0);
    // What is shown may come before what makes it answer to a click. Streams of the page stay open.
    await page.waitForNetworkIdle({ idleTime: 500, concurrency: 2 });
    await page.waitForSelector('h1');
    const colour = (await page.evaluate("getComputedStyle(document.querySelector('h1')).color")) as string;
    await page.locator('#visit, button ::-p-text(Visit)').click();
    await showsVisits(page, 1);
    if ((await page.$('#echo')) !== null)
      await page.waitForFunction("document.getElementById('echo').textContent === 'echo: hello'");
    const other = await page.$('#other');
    if (other !== null) {
      await other.click();
      await page.waitForSelector('#there');
    }
    return { colour, path: new URL(page.url()).pathname, broken };
  } finally {
    await context.close();
  }
}

/** Text areas show their text as a value. */
function showsVisits(page: Page, count: number) {
  const text = JSON.stringify(`visits: ${count}`);
  return page.waitForFunction(
    `document.body.innerText.includes(${text}) || [...document.querySelectorAll('textarea')].some(({ value }) => value === ${text})`,
  );
}

function watchBroken(page: Page): readonly string[] {
  const broken: string[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() >= 400 && pathname !== '/favicon.ico' && !pathname.endsWith('/favicon.ico'))
      broken.push(`${response.status()} ${pathname}`);
  });
  return broken;
}
