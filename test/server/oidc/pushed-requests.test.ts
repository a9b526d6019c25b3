// Authorization requests that are pushed (RFC 9126) and signed (RFC 9101).
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { describeWith } from '../../kit/availability.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { askToken, authorize, postForm, type SignInAs } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig } from './rig.ts'

const verifier = 'v'.repeat(43)
const challenge = createHash('sha256').update(verifier).digest('base64url')

async function open(url?: string) {
  const rig = await openRig(url === undefined ? {} : { url })
  const key = await openClientKey()
  const redirectUri = `${rig.issuer}/app/cb`
  const metadata = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const],
    scope: 'openid email',
    jwks: { keys: [key.publicJwk] },
  }
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', metadata, { firstParty: true })
  await rig.seed.client('other', metadata, { firstParty: true })
  await rig.seed.client('pushes', { ...metadata, requirePushedAuthorizationRequests: true }, { firstParty: true })
  await rig.seed.client('signs', { ...metadata, requireSignedRequestObject: true }, { firstParty: true })
  const as: SignInAs = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
  const request = {
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 'the-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  const push = async (changes: { readonly [name: string]: string } = {}, id = 'web') => {
    const answer = await postForm(
      `${rig.issuer}/oauth2/par`,
      { id, secret: clientSecret },
      { ...request, client_id: id, ...changes },
    )
    return {
      status: answer.status,
      body: JSON.parse(answer.body) as { request_uri?: string; expires_in?: number; error?: string },
    }
  }
  /** A browser of Alice that is signed in: what it asks next is answered at once. */
  const signedIn = async () => (await authorize({ ...as, browser: openHttpBrowser() })).browser
  return { rig, key, as, request, push, signedIn }
}
type Opened = Awaited<ReturnType<typeof open>>

const address = ({ rig }: Opened, parameters: { readonly [name: string]: string }) =>
  `${rig.issuer}/oauth2/authorize?${new URLSearchParams(parameters)}`

describe('on the embedded database', () => {
  let at: Opened
  let key: ClientKey
  beforeAll(async () => {
    at = await open()
    key = at.key
  })
  afterAll(() => at.rig.close())

  const use = async (requestUri: string, id = 'web') => {
    const browser = await at.signedIn()
    const page = await browser.open(address(at, { client_id: id, request_uri: requestUri }))
    return {
      page,
      answer: page.url.startsWith(`${at.rig.issuer}/app/cb?`) ? new URL(page.url).searchParams : undefined,
    }
  }

  test('a pushed request leads to a code, which leads to tokens (RFC 9126 §2, §4)', async () => {
    const { status, body } = await at.push()
    expect({ status, expires: body.expires_in }).toEqual({ status: 201, expires: 60 })
    const { answer } = await use(body.request_uri ?? '')
    expect(answer?.get('state')).toBe('the-state')
    const tokens = await askToken(at.as, {
      grant_type: 'authorization_code',
      code: answer?.get('code') ?? '',
      redirect_uri: at.as.client.redirectUri,
      code_verifier: verifier,
    })
    expect(tokens.status).toBe(200)
  })

  test('it works once, for its client only, and for a minute', async () => {
    const { body } = await at.push()
    const uri = body.request_uri ?? ''
    expect((await use(uri, 'other')).page.status).toBe(400)
    expect((await use(uri)).answer?.has('code')).toBe(true)
    const again = await use(uri)
    expect(again.page).toMatchObject({ status: 400, text: expect.stringContaining('invalid_request_uri') })
    expect((await use('urn:ietf:params:oauth:request_uri:nothing')).page.status).toBe(400)
  })

  test('nothing of it stands in the database in a form that opens it (provider.md §3)', async () => {
    const { body } = await at.push()
    const id = (body.request_uri ?? '').split(':').at(-1) ?? ''
    const rows = JSON.stringify(await at.rig.seed.run('select id_hash, payload from oidc_pushed_request', []))
    expect(id.length).toBeGreaterThan(40)
    expect(rows).not.toContain(id)
  })

  test.each([
    ['a foreign redirect', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
    ['a scope outside of the allow-list', { scope: 'openid admin' }, 'invalid_scope'],
    ['no PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
  ])('refuses to take %s (RFC 9126 §2.3)', async (_what, changes, error) => {
    expect(await at.push(changes)).toMatchObject({ status: 400, body: { error } })
  })

  test('whoever is not the client pushes nothing', async () => {
    const answer = await postForm(`${at.rig.issuer}/oauth2/par`, { id: 'web', secret: 'wrong' }, at.request)
    expect(answer.status).toBe(401)
  })

  test('a client registered to push is not heard otherwise (RFC 9126 §6)', async () => {
    const browser = await at.signedIn()
    const plain = await browser.open(address(at, { client_id: 'pushes', ...at.request }))
    expect(new URL(plain.url).searchParams.get('error')).toBe('invalid_request')
    const { body } = await at.push({}, 'pushes')
    expect((await use(body.request_uri ?? '', 'pushes')).answer?.has('code')).toBe(true)
  })

  describe('a signed request (RFC 9101)', () => {
    const seconds = () => Math.floor(Date.now() / 1_000)
    const signed = async (changes: object = {}, by = key, id = 'signs') =>
      by.sign(
        { ...at.request, client_id: id, iss: id, aud: at.rig.issuer, exp: seconds() + 60, nbf: seconds(), ...changes },
        { typ: 'oauth-authz-req+jwt', kid: 'client-key' },
      )
    const send = async (request: string, id = 'signs') => {
      const browser = await at.signedIn()
      const page = await browser.open(address(at, { client_id: id, request }))
      return new URL(page.url).searchParams.get('code') ?? page.text
    }

    test('leads to a code', async () => {
      expect(await send(await signed())).toMatch(/^[\w-]{43,}$/)
    })

    test('a client registered to sign is not heard otherwise', async () => {
      const browser = await at.signedIn()
      const { url } = await browser.open(address(at, { client_id: 'signs', ...at.request }))
      expect(new URL(url).searchParams.get('error')).toBe('invalid_request')
    })

    test.each([
      ['of another key', async () => signed({}, await openClientKey()), 'invalid_request_object'],
      ['for another server', () => signed({ aud: 'https://elsewhere.example' }), 'invalid_request_object'],
      ['for us and another', () => signed({ aud: [at.rig.issuer, 'https://e.example'] }), 'invalid_request_object'],
      ['that lives two hours', () => signed({ exp: seconds() + 7_200 }), 'invalid_request_object'],
      ['that has ended', () => signed({ exp: seconds() - 60 }), 'invalid_request_object'],
      ['that never ends', () => signed({ exp: undefined }), 'invalid_request_object'],
      ['of another client', () => signed({ client_id: 'web' }), 'invalid_request_object'],
      [
        'of `none`',
        async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
        'invalid_request_object',
      ],
      ['for a foreign scope', () => signed({ scope: 'openid admin' }), 'invalid_scope'],
    ])('refuses one %s', async (_what, make, error) => {
      const browser = await at.signedIn()
      const page = await browser.open(address(at, { client_id: 'signs', request: await make() }))
      expect(page.url + page.text).toContain(error)
      expect(page.url).not.toContain('code=')
    })
  })
})

describeWith(realPostgresNeed, 'on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let at: Opened
  beforeAll(async () => {
    postgres = await startRealPostgres()
    at = await open(await postgres.createDatabase())
  }, 60_000)
  afterAll(async () => {
    await at.rig.close()
    await postgres.stop()
  })

  test('of 64 parallel uses of one request one gets a code (security.md row 2)', async () => {
    const browser = await at.signedIn()
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const { body } = await at.push()
    const url = address(at, { client_id: 'web', request_uri: body.request_uri ?? '' })
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => fetch(url, { headers: { cookie }, redirect: 'manual' })),
    )
    const codes = answers.filter((answer) => answer.headers.get('location')?.includes('code='))
    expect(codes).toHaveLength(1)
    expect(new Set(answers.filter((answer) => !codes.includes(answer)).map(({ status }) => status)).has(500)).toBe(
      false,
    )
  })
})
