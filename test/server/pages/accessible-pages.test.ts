// Every page that a person is shown, in a real browser: WCAG 2.2 AA as far as a program sees it, 320 px, both languages, light and
// dark, no script run and none needed, nothing against the policy.
import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { auditPage } from '../../kit/audit-page.ts'
import { describeWith } from '../../kit/availability.ts'
import { browserNeed, type ChromiumSession, openChromium } from '../../kit/chromium.ts'
import { askForWord, cibaGrant } from '../../kit/ciba.ts'
import { askForDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from '../oidc/rig.ts'

/** Set to a folder to look at the pages yourself. */
const pictures = process.env.WRIT_SCREENSHOTS
const longName = 'Photographs of the Incorporated Society of Extraordinarily-Long-Names'

describeWith(browserNeed, 'pages in a real browser (people.md §5)', () => {
  let rig: Rig
  let as: SignInAs
  beforeAll(async () => {
    rig = await openRig()
    await rig.seed.account('alice@example.test')
    const redirectUris = [`${rig.issuer}/app/cb`]
    const grantTypes = ['authorization_code', 'refresh_token'] as const
    const scope = 'openid email offline_access'
    await rig.seed.client('photos', { redirectUris, grantTypes: [...grantTypes], scope })
    await rig.seed.client('tv', { grantTypes: [deviceGrant, 'refresh_token'], tokenEndpointAuthMethod: 'none', scope })
    await rig.seed.client('bank', { grantTypes: [cibaGrant], scope: 'openid email' })
    await rig.seed.run(`update client set name = $1 where id = 'photos'`, [longName])
    as = {
      issuer: rig.issuer,
      client: { id: 'photos', redirectUri: `${rig.issuer}/app/cb`, secret: clientSecret },
      user: { identifier: 'alice@example.test', password: alicePassword },
      scopes: scope.split(' '),
      parameters: { prompt: 'consent' },
    }
    const agent =
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0'
    await signIn({ ...as, browser: openHttpBrowser({ 'user-agent': agent }) })
    await signIn(as)
  })
  afterAll(() => rig.close())

  const authorizeUrl = (more: { readonly [name: string]: string } = {}) =>
    `${rig.issuer}/oauth2/authorize?${new URLSearchParams({
      client_id: 'photos',
      response_type: 'code',
      redirect_uri: as.client.redirectUri,
      scope: 'openid email',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      ...more,
    })}`

  /** Each page on a person's way, left open for `look`. */
  async function walk(page: Page, look: (name: string) => Promise<void>): Promise<void> {
    const press = (selector: string) => Promise.all([page.waitForLoadState(), page.click(selector)])
    const enter = async () => {
      await page.fill('#identifier', as.user.identifier)
      await page.fill('#password', as.user.password)
      await press('#submit-signin')
    }
    await page.goto(authorizeUrl({ prompt: 'consent' }))
    await look('sign-in')
    await page.fill('#identifier', as.user.identifier)
    await page.fill('#password', 'wrong')
    await press('#submit-signin')
    await look('sign-in-failed')
    await enter()
    await look('consent')
    await press('#deny')
    await askForWord(
      { ...as, client: { ...as.client, id: 'bank' }, scopes: ['openid', 'email'] },
      { binding_message: 'Transfer 482-19' },
    )
    await page.goto(`${rig.issuer}/account`)
    await look('account')
    for (const place of ['requests', 'history', 'activity']) {
      await press(`#to-${place}`)
      await look(`account-${place}`)
    }
    await press('#to-requests')
    await press('#request-0 button[name=decline]')
    await look('account-no-requests')
    const tv = { ...as, client: { id: 'tv', redirectUri: '' } }
    const { user_code: code } = await askForDevice(tv)
    await page.goto(`${rig.issuer}/device`)
    await look('device')
    await page.fill('input[name=user_code]', code)
    await press('button[type=submit]')
    await look('device-confirm')
    await page.goto(authorizeUrl({ client_id: 'nobody' }))
    await look('error')
    await page.goto(`${rig.issuer}/account`)
    await press('#sign-out')
    await look('sign-out')
    await press('#logout-confirm')
    await look('signed-out')
  }

  async function open(
    locale: string,
    width: number,
    scheme: 'light' | 'dark',
  ): Promise<ChromiumSession & { readonly page: Page }> {
    const session = await openChromium({ locale })
    const page = await session.context.newPage()
    await page.setViewportSize({ width, height: 720 })
    await page.emulateMedia({ colorScheme: scheme })
    return { ...session, page }
  }

  test.each([
    ['en-US', 320, 'light'],
    ['ko-KR', 320, 'dark'],
    ['ko-KR', 1000, 'light'],
  ] as const)(
    'in %s, %i px wide, %s: named, in order, seen, reached, and within the policy',
    async (locale, width, scheme) => {
      const { page, close } = await open(locale, width, scheme)
      const wrong: string[] = []
      page.on('console', (message) => {
        if (/Content.Security.Policy|Refused to/i.test(message.text())) wrong.push(message.text())
      })
      const seen: string[] = []
      try {
        await walk(page, async (name) => {
          seen.push(name)
          wrong.push(...(await auditPage(page)).map((what) => `${name}: ${what}`))
          if ((await page.getAttribute('html', 'lang')) !== locale.slice(0, 2)) wrong.push(`${name}: another language`)
          if ((await page.locator('script').count()) > 0) wrong.push(`${name}: a script`)
          if (pictures === undefined) return
          mkdirSync(pictures, { recursive: true })
          await page.screenshot({ path: `${pictures}/${name}-${locale}-${width}-${scheme}.png`, fullPage: true })
        })
      } finally {
        await close()
      }
      expect(wrong).toEqual([])
      expect(seen).toHaveLength(13)
    },
    120_000,
  )

  test('the audit sees what is wrong', async () => {
    const { page, close } = await open('en-US', 320, 'light')
    await page.setContent(
      '<html><body><h3>x</h3><p style="color:#bbb">pale</p><button></button><div style="width:900px">x</div>',
    )
    const found = (await auditPage(page)).join('\n')
    await close()
    for (const what of ['no language', 'not one h1', 'contrast 1.9', 'no name', 'scrolls to the side']) {
      expect(found).toContain(what)
    }
  }, 60_000)
})
