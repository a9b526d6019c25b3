import { createInitialTokens } from '../../oidc/registration/initial-tokens.ts'
import { entity } from '../request.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/**
 * Lets one app register itself. The token is made when the document is first applied and shown then; the same document again changes
 * nothing, used or not: another token is another document.
 */
export const initialAccessTokenKind: DocumentKind<Specs['InitialAccessToken']> = {
  async apply(work, { name }, spec) {
    const known = work.names.targetOf('InitialAccessToken', name)
    if (known !== undefined) return { result: 'unchanged', target: known }
    const made = await storeOf(work).create(
      work.admin.kernel.secrets,
      { ...spec, label: spec.label === '' ? name : spec.label },
      { by: work.by, now: work.now },
    )
    const { id, label, terms } = made.row
    const resource = entity('Tenant', work.tenantId)
    work.unit.audit({ action: 'oidc.initial_token.created', resource, detail: { id, label, ...terms } })
    return { result: 'created', target: id, secret: { token: made.token } }
  },
  async remove(work, _name, target) {
    const id = String(target)
    if (!(await storeOf(work).remove(id))) return
    work.unit.audit({
      action: 'oidc.initial_token.removed',
      resource: entity('Tenant', work.tenantId),
      detail: { id },
    })
  },
  // What is good once is nothing to make again.
  export: async () => [],
}

const storeOf = ({ admin, tenantId }: Work) => createInitialTokens(admin.kernel.database, tenantId)
