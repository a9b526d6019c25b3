// The ceiling that a grant through Writ is measured against: koa + oidc-provider + a small `pg` adapter. No policy, no audit,
// no tenancy. Its client is a row behind the adapter, as any server whose clients change has it; the library's own cache of
// built clients stays on, so it is read from PostgreSQL at each request and built once. Prints its base URL when it listens.
// Run as a process of its own: `node bare-provider.ts <DATABASE_URL>`.
import { generateKeyPair } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import Provider from 'oidc-provider'
import pg from 'pg'

export const bareClient = { id: 'bench', secret: 'bench-secret-bench-secret-bench-secret' }

const clientMetadata = {
  client_id: bareClient.id,
  client_secret: bareClient.secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  id_token_signed_response_alg: 'ES256',
}

type Row = { readonly payload: object; readonly consumed_at: Date | null }

/** The library's adapter interface over one table of JSON rows, with prepared statements. */
function adapterOver(pool: pg.Pool) {
  return class {
    readonly model: string
    constructor(model: string) {
      this.model = model
    }
    async upsert(
      id: string,
      payload: { readonly grantId?: string; readonly [member: string]: unknown },
      expiresIn: number,
    ) {
      await pool.query({
        name: 'upsert',
        text: `insert into bare (model, id, payload, grant_id, expires_at) values ($1, $2, $3, $4, now() + $5 * interval '1 second')
               on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
        values: [this.model, id, payload, payload.grantId ?? null, expiresIn ?? 86_400],
      })
    }
    async find(id: string) {
      const { rows } = await pool.query<Row>({
        name: 'find',
        text: 'select payload, consumed_at from bare where model = $1 and id = $2 and expires_at > now()',
        values: [this.model, id],
      })
      const row = rows[0]
      return row && { ...row.payload, ...(row.consumed_at ? { consumed: true } : {}) }
    }
    async findByUid(): Promise<undefined> {}
    async findByUserCode(): Promise<undefined> {}
    async consume(id: string) {
      await pool.query('update bare set consumed_at = now() where model = $1 and id = $2', [this.model, id])
    }
    async destroy(id: string) {
      await pool.query('delete from bare where model = $1 and id = $2', [this.model, id])
    }
    async revokeByGrantId(grantId: string) {
      await pool.query('delete from bare where grant_id = $1', [grantId])
    }
  }
}

async function main(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  await pool.query(`create table if not exists bare (model text, id text, payload jsonb, grant_id text, expires_at timestamptz,
    consumed_at timestamptz, primary key (model, id))`)
  const adapter = adapterOver(pool)
  await new adapter('Client').upsert(bareClient.id, clientMetadata, 86_400)
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const provider = new Provider('http://localhost', {
    adapter: adapter as never,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] } as never,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'http://localhost/api',
        getResourceServerInfo: () =>
          ({ scope: 'access', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }) as never,
      },
    },
  })
  const server: Server = provider.listen(0, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
  })
}

const databaseUrl = import.meta.main ? process.argv[2] : undefined
if (databaseUrl) await main(databaseUrl)
