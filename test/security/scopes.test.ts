import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openStand, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
}, 60_000)
afterAll(() => stand?.close())

/** A JWT that nobody has signed. */
const unsigned = (claims: object): string =>
  [{ alg: 'none' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
    .concat('.')

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const ask = (fields: { readonly [name: string]: string }) =>
  stand.raw('/oauth2/token', {
    method: 'POST',
    headers: { ...form, authorization: stand.basic(stand.web) },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString(),
  })

describe('a client gets no scope that it is not registered for (security.md §2.14)', () => {
  const resource = () => `${stand.issuer}/api`

  test('an allowed scope is given', async () => {
    const answer = await ask({ scope: 'access', resource: resource() })
    expect([answer.status, JSON.parse(answer.text).scope]).toEqual([200, 'access'])
  })

  test('a foreign scope is refused, also beside allowed ones (RFC 6749 §3.3)', async () => {
    for (const scope of ['admin', 'access admin', 'admin access', ' admin', 'access  admin']) {
      expect(await ask({ scope, resource: resource() })).toMatchObject({ status: 400, code: 'invalid_scope' })
    }
  })

  test('a request object that the token endpoint does not read cannot speak for the scope that it does (RFC 9101 §5)', async () => {
    for (const request of [unsigned({ scope: 'access' }), unsigned({}), unsigned({ scope: ['access'] }), 'x', '']) {
      expect(await ask({ scope: 'access admin', resource: resource(), request })).toMatchObject({
        status: 400,
        code: 'invalid_scope',
      })
    }
  })

  test('nor at the device endpoint, nor where requests are pushed', async () => {
    for (const path of ['/oauth2/par', '/oauth2/device_authorization', '/oauth2/ciba']) {
      const fields = {
        ...{
          response_type: 'code',
          redirect_uri: stand.web.redirectUri,
          scope: 'openid admin',
          login_hint: 'a@b.test',
        },
        ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
      }
      const answers = await Promise.all(
        [fields, { ...fields, request: unsigned({ scope: 'openid' }) }].map((body) =>
          stand.raw(path, {
            method: 'POST',
            headers: { ...form, authorization: stand.basic(stand.web) },
            body: new URLSearchParams(body).toString(),
          }),
        ),
      )
      for (const answer of answers) expect([path, answer.status]).toEqual([path, 400])
    }
  })
})
