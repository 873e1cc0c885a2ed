import { existsSync } from 'node:fs';
import puppeteer, { type Browser } from 'puppeteer-core';

const PATH = '/usr/bin/chromium';

/** Why a test that needs a browser is skipped, or false where there is one. */
export const chromiumSkip: string | false =
  !existsSync(PATH) && `needs Chromium at ${PATH}; on Debian: apt-get install -y chromium`;

/** Starts a browser that reaches loopback without a proxy, and nobody by itself. */
export function launchChromium(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: PATH,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-proxy-server',
      '--disable-background-networking',
    ],
  });
}
