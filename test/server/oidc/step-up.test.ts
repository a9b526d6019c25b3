// How strong and how fresh a sign-in is (OIDC Core §3.1.2.1, §5.5.1.1; RFC 9470; unmet_authentication_requirements 1.0).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { activatePolicyFiles } from '../../../server/admin/activate-files.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { authorize, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

/** `access` wants a second factor; `email` a code that is at hand, whatever stands behind it. */
const policies = `
module stronger

import User from "writ:identity"
import Credential from "issuance"

@id("two-factors")
deny issue on c: Credential to User
  when "access" in context.requestedScopes and c.kind == "code"
  because "This needs a second factor."
  advise stepUp(acr: "mfa", maxAge: 15m)

@id("again")
deny issue on c: Credential to User
  when "phone" in context.requestedScopes and c.kind == "code"
  advise reauthenticate(maxAge: 5m)

@id("stronger-at-the-token-endpoint")
deny issue on c: Credential to User
  when "address" in context.requestedScopes and c.kind == "access" and context.grant == "refresh_token"
  advise stepUp(acr: "phr")
`

let rig: Rig
let as: SignInAs
let bobId: string
beforeAll(async () => {
  rig = await openRig()
  const outcome = await activatePolicyFiles(rig.kernel, {
    tenantId: 'default',
    set: 'stronger',
    files: { 'stronger.fbac': policies },
  })
  if ('problems' in outcome && outcome.problems) throw new Error(JSON.stringify(outcome.problems))
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  bobId = await rig.seed.account('bob@example.test')
  await rig.seed.client(
    'web',
    {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid email phone address access',
    },
    { firstParty: true },
  )
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
})
afterAll(() => rig.close())

const asking = (parameters: { readonly [name: string]: string }, more: Partial<SignInAs> = {}): SignInAs => ({
  ...as,
  ...more,
  parameters,
})
const claims = (acr: object) => ({ claims: JSON.stringify({ id_token: { acr } }) })
const idToken = async (of: SignInAs) => decodeJwt((await signIn(of)).tokens.body.id_token ?? '')
const errorOf = async (of: SignInAs) => (await authorize(of)).answer.get('error')
/** Somebody who has signed in before, with that browser. */
const signedIn = async () => (await authorize({ ...as, browser: openHttpBrowser() })).browser

describe('levels (people.md §3)', () => {
  test('discovery names those that can be reached, and no other', async () => {
    const document = (await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()) as {
      readonly acr_values_supported: readonly string[]
      readonly prompt_values_supported: readonly string[]
    }
    expect(document.acr_values_supported).toEqual(['pwd'])
    expect([...document.prompt_values_supported].sort()).toEqual(['consent', 'login', 'none', 'select_account'])
  })

  test.each([
    ['essential value', claims({ essential: true, value: 'pwd' })],
    ['one of essential values', claims({ essential: true, values: ['phr', 'pwd'] })],
    ['acr_values', { acr_values: 'mfa pwd' }],
  ])('one that is reached is told in the ID token: %s', async (_how, parameters) => {
    expect((await idToken(asking(parameters))).acr).toBe('pwd')
  })

  test.each([
    ['essential value', claims({ essential: true, value: 'mfa' })],
    ['essential values', claims({ essential: true, values: ['phr', 'urn:of:nobody'] })],
    ['a level of ours by acr_values', { acr_values: 'mfa phr' }],
  ])('one that nobody can reach is refused before anybody is asked: %s', async (_how, parameters) => {
    expect(await errorOf(asking(parameters))).toBe('unmet_authentication_requirements')
    const { answer } = await authorize(asking({ ...parameters, prompt: 'none' }, { browser: await signedIn() }))
    expect(answer.get('error')).toBe('unmet_authentication_requirements')
  })

  test('a wish for levels of another server’s is none that could be missed (OIDC Core §3.1.2.1)', async () => {
    expect((await idToken(asking({ acr_values: '1 2' }))).acr).toBe('pwd')
    expect((await idToken(asking(claims({ value: 'mfa' })))).acr).toBe('pwd')
  })
})

describe('who, and when', () => {
  test('max_age: an older sign-in is made anew, a younger one is good (OIDC Core §3.1.2.1)', async () => {
    const browser = await signedIn()
    expect(await errorOf(asking({ max_age: '0', prompt: 'none' }, { browser }))).toBe('login_required')
    const { answer } = await authorize(asking({ max_age: '3600', prompt: 'none' }, { browser }))
    expect(answer.get('error')).toBeNull()
    expect((await idToken(asking({ max_age: '3600' }, { browser }))).auth_time).toEqual(expect.any(Number))
  })

  test('prompt=login and select_account ask whoever is signed in already; both are done by signing in', async () => {
    for (const prompt of ['login', 'select_account']) {
      const browser = await signedIn()
      const other = { user: { identifier: 'bob@example.test', password: alicePassword } }
      await browser.open(`${rig.issuer}/oauth2/authorize?${queryOf({ prompt })}`)
      expect(browser.page().text).toContain('name="password"')
      expect((await idToken(asking({ prompt }, { ...other }))).sub).toBe(bobId)
    }
  })

  test('prompt=none with another prompt, and prompts that nobody knows, are refused', async () => {
    for (const prompt of ['none login', 'create', 'whatever']) {
      expect(await errorOf(asking({ prompt }))).toBe('invalid_request')
    }
  })

  test('id_token_hint of somebody else is login_required without a page; one of the same person goes on', async () => {
    const browser = openHttpBrowser()
    const { tokens } = await signIn({ ...as, browser })
    const hint = tokens.body.id_token ?? ''
    const own = await authorize(asking({ prompt: 'none', id_token_hint: hint }, { browser }))
    expect(own.answer.get('error')).toBeNull()
    const stranger = await authorize({ ...as, user: { identifier: 'bob@example.test', password: alicePassword } })
    const other = asking({ prompt: 'none', id_token_hint: hint }, { browser: stranger.browser })
    expect(await errorOf(other)).toBe('login_required')
    expect(await errorOf(asking({ id_token_hint: `${hint.slice(0, -8)}AAAAAAAA` }))).toBe('invalid_request')
  })

  test('login_hint stands in the form, ui_locales choose its language', async () => {
    const browser = openHttpBrowser()
    await browser.open(
      `${rig.issuer}/oauth2/authorize?${queryOf({ login_hint: 'carol@example.test', ui_locales: 'ko' })}`,
    )
    expect(browser.page().text).toContain('value="carol@example.test"')
    expect(browser.page().text).toContain('lang="ko"')
    await browser.open(`${rig.issuer}/oauth2/authorize?${queryOf({ ui_locales: 'xx en' })}`)
    expect(browser.page().text).toContain('lang="en"')
  })
})

describe('rules that want a better sign-in', () => {
  test('one that nobody can reach: unmet_authentication_requirements', async () => {
    const { answer } = await authorize({ ...as, scopes: ['openid', 'access'], resource: `${rig.issuer}/api` })
    expect(answer.get('error')).toBe('unmet_authentication_requirements')
    expect(answer.get('code')).toBeNull()
  })

  test('a more recent one: login_required, and the age that is wanted', async () => {
    const { answer } = await authorize({ ...as, scopes: ['openid', 'phone'] })
    expect(answer.get('error')).toBe('login_required')
    expect(answer.get('error_description')).toContain('max_age=300')
  })

  test('at the token endpoint: insufficient_user_authentication with the level, and no token (RFC 9470 §3)', async () => {
    const of = { ...as, scopes: ['openid', 'address'] }
    const tokens = await redeem(of, await authorize(of))
    const answer = await refresh(of, tokens.body.refresh_token ?? '')
    expect(answer).toMatchObject({ status: 400, body: { error: 'insufficient_user_authentication' } })
    expect(answer.body.error_description).toContain('acr_values=phr')
    expect(answer.body.access_token).toBeUndefined()
  })
})

function queryOf(parameters: { readonly [name: string]: string }): URLSearchParams {
  return new URLSearchParams({
    response_type: 'code',
    client_id: as.client.id,
    redirect_uri: as.client.redirectUri,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...parameters,
  })
}
