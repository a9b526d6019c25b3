import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type HttpBrowser, openHttpBrowser } from '../../kit/http-browser.ts'
import { startWrit, type WritProcess } from '../../kit/writ-process.ts'

let writ: WritProcess
let browser: HttpBrowser

beforeAll(async () => {
  writ = await startWrit()
  browser = openHttpBrowser()
})
afterAll(() => writ.stop())

const outcome = (): string => /data-outcome="(\w+)"/.exec(browser.page().text)?.[1] ?? 'none'
const text = (): string =>
  browser
    .page()
    .text.replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ')
const policyFile = (): string => join(writ.dataFolder, 'policies', 'demo.fbac')

/** Does it again until the page answers as it should: a saved policy decides within a second. */
async function until(act: () => Promise<unknown>, isDone: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  do {
    await act()
    if (isDone()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  } while (Date.now() < end)
  throw new Error(`the answer did not change:\n${text()}\n${writ.output()}`)
}

describe('the sample app (architecture.md: newcomer)', () => {
  test('from the setup link to signed in with two submits, and no form of the provider', async () => {
    await browser.open(writ.setupLink ?? '')
    await browser.submit({ email: 'ann@example.test', password: 'correct horse battery staple' })
    expect(browser.page().url).toBe(`${writ.issuer}/demo`)
    await browser.follow('/demo/sign-in')
    expect(browser.page().url).toBe(`${writ.issuer}/demo`)
    expect(text()).toContain('Signed in as ann@example.test')
  })

  test('shows its claims', () => {
    expect(text()).toMatch(/iss http:\/\/localhost:\d+/)
    expect(text()).toMatch(/email ann@example\.test/)
  })

  test('an upload is allowed, and the page names the rule', async () => {
    const content = new File(['hello from a file'], 'plan.txt', { type: 'text/plain' })
    await browser.submit({ file: content, name: '' }, 'upload')
    expect(outcome()).toBe('allowed')
    expect(text()).toContain('Decided by the rule: storage-bucket-editors')
    expect(text()).toContain('plan.txt')
  })

  test('reading it shows its content', async () => {
    await browser.submit({}, 'read=plan.txt')
    expect(outcome()).toBe('allowed')
    expect(text()).toContain('hello from a file')
  })

  test('deleting it is refused with the reason and the rule', async () => {
    await browser.submit({}, 'remove=plan.txt')
    expect(outcome()).toBe('refused')
    expect(text()).toContain('Files of the sample app are kept.')
    expect(text()).toContain('Decided by the rule: demo-keep-files')
    expect(text()).toContain('demo.fbac')
  })

  test('a file that a rule hides is not listed, and reading it is refused', async () => {
    await browser.submit({ name: 'secret.txt', text: 'psst' }, 'note')
    expect(outcome()).toBe('allowed')
    expect(browser.page().text).not.toContain('value="secret.txt"')
    await browser.submit({ key: 'secret.txt' }, 'open')
    expect(outcome()).toBe('refused')
    expect(text()).toContain('Decided by the rule: demo-secret-files')
  })

  test('a mistake in the policy changes nothing; page and terminal say where', async () => {
    const before = readFileSync(policyFile(), 'utf8')
    writeFileSync(policyFile(), before.replace('object.bucket ==', 'object.bukket =='))
    await until(
      () => browser.open(`${writ.issuer}/demo`),
      () => text().includes('did you mean'),
    )
    expect(writ.output()).toMatch(/local\/demo\.fbac:\d+:\d+/)
    await browser.submit({}, 'remove=plan.txt')
    expect(outcome()).toBe('refused')
    writeFileSync(policyFile(), before)
    await until(
      () => browser.open(`${writ.issuer}/demo`),
      () => text().includes('The file is active as it stands.'),
    )
  })

  test('a failing test of the policy changes nothing', async () => {
    const before = readFileSync(policyFile(), 'utf8')
    writeFileSync(policyFile(), before.replace('startsWith("secret")', 'startsWith("other")'))
    await until(
      () => browser.open(`${writ.issuer}/demo`),
      () => text().includes('expected deny, got allow'),
    )
    writeFileSync(policyFile(), before)
    await until(
      () => browser.open(`${writ.issuer}/demo`),
      () => text().includes('The file is active as it stands.'),
    )
  })

  test('a changed rule changes the answer, without a restart', async () => {
    const before = readFileSync(policyFile(), 'utf8')
    writeFileSync(policyFile(), before.replace(/@id\("demo-keep-files"\)[\s\S]*?because .*\n/, ''))
    await until(
      () => browser.submit({}, 'remove=plan.txt'),
      () => outcome() === 'allowed',
    )
    expect(text()).toContain('Decided by the rule: storage-object-editors')
    expect(browser.page().text).not.toContain('value="plan.txt"')
  })

  test('speaks Korean to whoever asks for it', async () => {
    const korean = openHttpBrowser({ 'accept-language': 'ko-KR,ko;q=0.9' })
    await korean.open(`${writ.issuer}/demo`)
    expect(korean.page().text).toContain('샘플 앱')
  })

  test('a form of another site is refused', async () => {
    const answer = await fetch(`${writ.issuer}/demo/sign-out`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    })
    expect(answer.status).toBe(403)
  })

  test('signing out ends the session here and at the provider', async () => {
    await browser.submit({}, 'signOut')
    if (browser.page().text.includes('name="logout"')) await browser.submit({}, 'logout')
    await browser.open(`${writ.issuer}/demo`)
    expect(text()).not.toContain('Signed in as')
  })
})
