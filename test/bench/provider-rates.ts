import { signIn } from '../kit/sign-in.ts'
import type { WritProcess } from '../kit/writ-process.ts'
import { withClient } from './boot-tenants.ts'
import { type HttpFigure, type HttpLoad, measureHttp, type Peer } from './measure-http.ts'
import type { Report } from './run.ts'

type Client = { readonly id: string; readonly secret: string }
const isObject = (body: unknown) => typeof body === 'object' && body !== null
const basicOf = ({ id, secret }: Client) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

export const grantLoad = (url: string, client: Client): HttpLoad => ({
  url,
  method: 'POST',
  headers: { authorization: basicOf(client), 'content-type': 'application/x-www-form-urlencoded' },
  body: 'grant_type=client_credentials&scope=access',
})
export const isToken = (body: unknown) => isObject(body) && 'access_token' in (body as object)

const manyClients = 1_000

/** The same grant by one client, and by a thousand at random: caches and shared reads may not be what makes it quick. */
export async function measureManyClients(
  report: Report,
  { writ, url, client }: { readonly writ: WritProcess; readonly url: string; readonly client: Client },
): Promise<void> {
  const idOf = (number: number) => `${client.id}-${number}`
  await withClient(url, (database) =>
    database.query(
      `insert into client (tenant_id, id, name, metadata, secret_hashes)
select tenant_id, id || '-' || n, name, metadata, secret_hashes from client, generate_series(0, $2::int - 1) as n where id = $1`,
      [client.id, manyClients],
    ),
  )
  const load = grantLoad(`${writ.issuer}/oauth2/token`, client)
  const all = Array.from({ length: manyClients }, (_, number) => basicOf({ ...client, id: idOf(number) }))
  const any = () => ({ authorization: all[Math.floor(Math.random() * manyClients)] ?? '' })
  const one = () => ({ authorization: basicOf(client) })
  const figures: { one: HttpFigure[]; many: HttpFigure[] } = { one: [], many: [] }
  for (let round = 0; round < 2; round += 1) {
    figures.one.push(await measureHttp({ ...load, each: one }, writ.child.pid, isToken))
    figures.many.push(await measureHttp({ ...load, each: any }, writ.child.pid, isToken))
  }
  const best = (of: readonly HttpFigure[]) => Math.min(...of.map((each) => each.processorMicroseconds ?? Number.NaN))
  report.row('grants of one client, µs of processor time', { us: best(figures.one) })
  report.row(`grants of ${manyClients} clients, µs of processor time`, { us: best(figures.many) })
  report.ratio(`${manyClients} clients / one client, processor time a grant`, best(figures.many) / best(figures.one), {
    atMost: 1.15,
  })
}

/** The whole sign-in as a person without JavaScript goes through it, then what apps ask about its tokens, beside a bare handler. */
export async function measureSignIn(
  report: Report,
  {
    writ,
    client,
    user,
    echo,
  }: {
    readonly writ: WritProcess
    readonly client: Client & { readonly redirectUri: string }
    readonly user: { readonly identifier: string; readonly password: string }
    readonly echo: Peer
  },
): Promise<void> {
  const as = { issuer: writ.issuer, client, user, scopes: ['openid', 'email', 'offline_access'] }
  const flows: number[] = []
  let token = ''
  for (let turn = 0; turn < 12; turn += 1) {
    const began = performance.now()
    const { tokens } = await signIn({ ...as, parameters: { prompt: 'consent' } })
    flows.push(performance.now() - began)
    if (tokens.status !== 200) throw new Error(`the sign-in ends in ${tokens.status}`)
    token = tokens.body.access_token ?? ''
  }
  flows.sort((a, b) => a - b)
  report.row('a whole sign-in with consent, password and tokens, ms', { best: flows[0], median: flows[6] })
  const bearer = { authorization: `Bearer ${token}` }
  const form = { authorization: basicOf(client), 'content-type': 'application/x-www-form-urlencoded' }
  const bare = await measureHttp(
    { url: echo.url, method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
    echo.child.pid,
    isObject,
  )
  report.row('bare handler', { ...bare })
  const loads: readonly (readonly [string, HttpLoad])[] = [
    [
      'introspection',
      { url: `${writ.issuer}/oauth2/introspect`, method: 'POST', headers: form, body: `token=${token}` },
    ],
    ['userinfo', { url: `${writ.issuer}/oauth2/userinfo`, method: 'GET', headers: bearer }],
    ['key set', { url: `${writ.issuer}/oauth2/jwks`, method: 'GET', headers: {} }],
  ]
  for (const [name, load] of loads) {
    const figure = await measureHttp(load, writ.child.pid, isObject)
    report.row(name, { ...figure })
    report.ratio(`${name} / bare handler`, figure.requestsPerSecond / bare.requestsPerSecond)
  }
}
