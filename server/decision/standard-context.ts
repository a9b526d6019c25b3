import type { EntityValue } from '../../policy-lang/index.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { JsonValue } from './decision-point.ts'

/** SPEC 3, standard context: from the scope and nothing else, in the JSON form that the program's types read. */
export function standardContext(scope: RequestScope): { readonly [name: string]: JsonValue } {
  const { tenant, client, session, organization, actor, ip } = scope
  return {
    tenant: { type: 'Tenant', id: tenant.id },
    scopes: [...scope.scopes],
    ...(ip === '' ? {} : { ip }),
    ...(client ? { client: entityJson(client) } : {}),
    ...(organization ? { organization: entityJson(organization) } : {}),
    ...(actor ? { actor: entityJson(actor) } : {}),
    ...(session
      ? {
          session: {
            id: session.id,
            acr: session.acr,
            amr: session.amr,
            authenticatedAt: new Date(session.authenticatedAt).toISOString(),
          },
        }
      : {}),
  }
}

const entityJson = ({ type, id }: EntityValue): JsonValue => ({ type, id })
