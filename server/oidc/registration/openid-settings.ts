import { z } from 'zod'
import type { Database } from '../../../adapters/database/port.ts'
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
})
export type OpenidSettings = z.infer<typeof openidSettingsSchema>

export function createOpenidSettings(database: Database, tenantId: string) {
  return {
    async read(): Promise<OpenidSettings> {
      const text = 'select settings from oidc_settings where tenant_id = $1'
      const [row] = await database.query<{ settings: unknown }>({ name: 'oidc_settings-read', text }, [tenantId])
      return openidSettingsSchema.parse(row?.settings ?? {})
    },
    async put(settings: OpenidSettings, now: number): Promise<void> {
      const text = `insert into oidc_settings (tenant_id, settings, updated_at) values ($1, $2, $3)
on conflict (tenant_id) do update set settings = excluded.settings, version = oidc_settings.version + 1, updated_at = excluded.updated_at`
      await database.query({ name: 'oidc_settings-put', text }, [tenantId, JSON.stringify(settings), new Date(now)])
    },
  }
}
