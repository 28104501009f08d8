/** A real browser: Chromium of the distribution, without a screen. */
import { type Browser, chromium } from 'playwright-core';

/** @throws {Error} there is none: scripts/test.sh installs it */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
    // root has no sandbox; the pages are the tests' own, on this machine
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}
