import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { describeWith } from '../kit/availability.ts'
import { browserNeed, type ChromiumSession, openChromium } from '../kit/chromium.ts'
import { startWrit, type WritProcess } from '../kit/writ-process.ts'

/** Does it again until it is so: a saved policy decides within a second. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await isSo())) if (Date.now() > end) throw new Error('it did not become so within 10 s')
}

describeWith(browserNeed, 'a newcomer in a real browser (README, "Start")', () => {
  let writ: WritProcess
  let browser: ChromiumSession
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    writ = await startWrit()
    browser = await openChromium()
    page = await browser.context.newPage()
    // A violation of the content security policy or a failing script shows here (security.md row 13).
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    page.on('pageerror', (error) => complaints.push(String(error)))
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await writ?.stop()
  })

  const save = async (name: string, text: string): Promise<void> => {
    await page
      .locator('form', { has: page.locator('[name=text]') })
      .locator('[name=name]')
      .fill(name)
    await page.fill('[name=text]', text)
    await page.getByRole('button', { name: 'Save note' }).click()
  }
  const outcome = (): Promise<string | null> => page.locator('[data-outcome]').first().getAttribute('data-outcome')

  test('is signed in to the sample app with two clicks beyond address and password', async () => {
    await page.goto(writ.setupLink ?? '')
    await page.fill('[name=email]', 'ada@example.test')
    await page.fill('[name=password]', 'correct horse battery staple')
    await page.click('button[type=submit]')
    await page
      .getByRole('link', { name: 'Sign in' })
      .or(page.getByRole('button', { name: 'Sign in' }))
      .first()
      .click()
    await expect(page.getByText('Signed in as ada@example.test').waitFor()).resolves.toBeUndefined()
    expect(new URL(page.url()).pathname).toBe('/demo')
  })

  test('sees a request allowed, and the rule that allowed it', async () => {
    await save('plan', 'Tuesday')
    expect(await outcome()).toBe('allowed')
    expect(await page.locator('body').textContent()).toMatch(/storage-[a-z-]+/)
  })

  test('sees a request refused by a policy file, its reason and its rule', async () => {
    await page.locator('button[name=remove]').first().click()
    expect(await outcome()).toBe('refused')
    const text = await page.locator('body').textContent()
    expect(text).toContain('demo-keep-files')
    expect(text).toContain('Files of the sample app are kept.')
  })

  test('edits that file, and the answer changes', async () => {
    const file = join(writ.dataFolder, 'policies', 'demo.fbac')
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, before.replace(/@id\("demo-keep-files"\)[\s\S]*?\n\n/, ''))
    await until(async () => {
      await page.locator('button[name=remove]').first().click()
      return (await outcome()) === 'allowed'
    })
    expect(await outcome()).toBe('allowed')
  })

  test('breaks the file: the page says where, and the rules before go on', async () => {
    const file = join(writ.dataFolder, 'policies', 'demo.fbac')
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nalow read on o: StoredObject to anyone\n`)
    await until(async () => {
      await page.goto(`${writ.issuer}/demo`)
      return ((await page.locator('body').textContent()) ?? '').includes('did you mean `allow`?')
    })
    await save('secret-plan', 'Wednesday')
    await page.fill('#open-key', 'secret-plan')
    await page.click('button[name=open]')
    expect(await outcome()).toBe('refused')
  })

  test('signs out, and signs in again with the password', async () => {
    await page
      .getByRole('button', { name: 'Sign out' })
      .or(page.getByRole('link', { name: 'Sign out' }))
      .first()
      .click()
    const confirm = page.locator('button[name=logout]')
    if (await confirm.count()) await confirm.click()
    await page.goto(`${writ.issuer}/demo`)
    await page
      .getByRole('link', { name: 'Sign in' })
      .or(page.getByRole('button', { name: 'Sign in' }))
      .first()
      .click()
    await page.fill('[name=identifier]', 'ada@example.test')
    await page.fill('[name=password]', 'correct horse battery staple')
    await page.click('#submit-signin')
    await page.getByText('Signed in as ada@example.test').waitFor()
  })

  test('no page broke its content security policy or failed to load something', () => {
    expect(complaints).toEqual([])
  })
})
