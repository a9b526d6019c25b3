import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import type { Need } from './availability.ts'

const places = [
  process.env.WRIT_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** Path of an installed Chromium, or undefined: then suites that need one skip loudly (`describeWith`). */
export const chromiumPath = (): string | undefined => places.find((path) => path !== undefined && existsSync(path))

export type ChromiumSession = { readonly context: BrowserContext; close(): Promise<void> }

/** A headless browser with an empty profile that asks nobody outside. */
export async function openChromium(
  options: { readonly javaScriptEnabled?: boolean; readonly locale?: string } = {},
): Promise<ChromiumSession> {
  const executablePath = chromiumPath()
  if (!executablePath) throw new Error('no Chromium is installed')
  const profile = await mkdtemp(join(tmpdir(), 'writ-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    javaScriptEnabled: options.javaScriptEnabled ?? true,
    locale: options.locale ?? 'en-US',
    viewport: { width: 1000, height: 800 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** For `describeWith`. */
export const browserNeed: Need = {
  name: 'browser',
  missing: chromiumPath() ? undefined : 'no Chromium installed (apt-get install chromium, or set WRIT_TEST_CHROMIUM)',
}
