import { activatePolicyFiles } from '../../../../server/admin/activate-files.ts'
import { adminArea } from '../../../../server/admin/area.ts'
import type { OidcAreaOptions } from '../../../../server/oidc/area.ts'
import { askToken } from '../../../kit/sign-in.ts'
import { clientSecret, openRig, type Rig } from '../rig.ts'

export type Stand = Awaited<ReturnType<typeof openStand>>
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly [name: string]: unknown }
}

/** A provider whose administrator can be asked, and what a client that registers itself says to it. */
export async function openStand(area: OidcAreaOptions = {}, more: { readonly url?: string } = {}) {
  const rig: Rig = await openRig({ area, areas: [adminArea], ...more })
  const { issuer, seed, kernel } = rig
  await seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await seed.admin('desk')
  const desk = { issuer, client: { id: 'desk', redirectUri: '', secret: clientSecret } }
  const { body } = await askToken(desk, { grant_type: 'client_credentials', resource: `${issuer}/admin` })
  const adminToken = body.access_token ?? ''

  const call = async (method: string, path: string, sent?: unknown, token?: string): Promise<Answer> => {
    const response = await fetch(path.startsWith('http') ? path : issuer + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(sent === undefined ? {} : { body: typeof sent === 'string' ? sent : JSON.stringify(sent) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }
  const admin = (method: string, path: string, sent?: unknown) => call(method, `/admin/v1${path}`, sent, adminToken)
  return {
    rig,
    issuer,
    adminToken,
    call,
    admin,
    /** One that works once. */
    initialToken: async (spec: object = {}): Promise<string> =>
      String((await admin('POST', '/initial-access-tokens', spec)).body.token),
    register: (metadata: unknown, token?: string) => call('POST', '/oauth2/register', metadata, token),
    /** Makes these the tenant's own rules. */
    async rules(text: string): Promise<void> {
      const files = { 'apps.fbac': `module apps\n\nimport Client, Tenant, User from "writ:identity"\n\n${text}` }
      const outcome = await activatePolicyFiles(kernel, { tenantId: 'default', set: 'apps', files })
      if ('problems' in outcome && outcome.problems) throw new Error(JSON.stringify(outcome.problems))
    },
    /** Names of the audit rows, oldest first. */
    async audited(like: string): Promise<string[]> {
      const rows = await seed.run('select action from audit_event where action like $1 order by id', [like])
      return (rows as { action: string }[]).map(({ action }) => action)
    },
    close: () => rig.close(),
  }
}
