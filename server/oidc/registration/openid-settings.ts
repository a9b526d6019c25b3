import { z } from 'zod'
import type { Database } from '../../../adapters/database/port.ts'
import { furtherAlgorithms } from '../algorithms.ts'
import { apiResourcesSchema } from '../api-resources.ts'
import { registrationErrors } from './errors.ts'
import { termsSchema } from './terms.ts'

const host = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/)

/** What a tenant settles about its provider beyond its clients. Everything is closed where nothing is said. */
export const openidSettingsSchema = z.strictObject({
  /** What apps may hold at most that registered without an initial access token, or are known by their document. */
  registration: termsSchema.prefault({}),
  /** Hosts whose apps are known by their own documents; rules may allow others. */
  clientDocumentHosts: z.array(host).max(1_000).default([]),
  /** Whether request objects are fetched from the addresses that clients registered (RFC 9101 §5.2.2). */
  requestUri: z.boolean().default(false),
  /** Beside ES256 and RS256: keys are made for these, rotated with the others, and clients may ask for them. */
  signingAlgorithms: z.array(z.enum(furtherAlgorithms)).max(furtherAlgorithms.length).default([]),
  /** The tenant's own APIs, which tokens may be for (RFC 8707). */
  resources: apiResourcesSchema.default([]),
  /** A tenant of the certification plans, whose confidential clients may go without PKCE (`pkce-policy.ts`). */
  certification: z.boolean().default(false),
})
export type OpenidSettings = z.infer<typeof openidSettingsSchema>

/** Some of them. */
const clientsAsking = `select id from client where tenant_id = $1 and exists (
  select 1 from jsonb_each_text(metadata) as member where member.key like '%SignedResponseAlg' and member.value = any($2::text[])
) order by id limit 5`

export function createOpenidSettings(database: Database, tenantId: string) {
  return {
    async read(): Promise<OpenidSettings> {
      const text = 'select settings from oidc_settings where tenant_id = $1'
      const [row] = await database.query<{ settings: unknown }>({ name: 'oidc_settings-read', text }, [tenantId])
      return openidSettingsSchema.parse(row?.settings ?? {})
    },
    /** Throws `algorithm_in_use` where clients would not be served any more. */
    async put(settings: OpenidSettings, now: number): Promise<void> {
      const gone = furtherAlgorithms.filter((algorithm) => !settings.signingAlgorithms.includes(algorithm))
      const asking = await database.query<{ id: string }>({ name: 'oidc_settings-asking', text: clientsAsking }, [
        tenantId,
        gone,
      ])
      if (asking.length > 0) {
        const ids = asking.map(({ id }) => id).join(', ')
        throw registrationErrors.algorithm_in_use({ detail: `Clients still ask for ${gone.join(' or ')}: ${ids}` })
      }
      const text = `insert into oidc_settings (tenant_id, settings, updated_at) values ($1, $2, $3)
on conflict (tenant_id) do update set settings = excluded.settings, version = oidc_settings.version + 1, updated_at = excluded.updated_at`
      await database.query({ name: 'oidc_settings-put', text }, [tenantId, JSON.stringify(settings), new Date(now)])
    },
  }
}
