import type { Actor, UnitOfWork } from '../events/unit-of-work.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { issuanceErrors } from '../issuance/errors.ts'
import type { Kernel } from '../kernel.ts'
import { type Account, createAccounts } from './accounts.ts'
import { entityOf } from './entities.ts'
import { identityErrors } from './errors.ts'
import { parseEmail } from './identifiers.ts'
import { checkNewPassword } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import type { SetupLinks } from './setup-links.ts'

/** What else the first administrator is given (the sample's bucket), in the transaction that makes the account. */
export type FirstAdminHook = (
  unit: UnitOfWork,
  admin: { readonly tenantId: string; readonly accountId: string; readonly kernel: Kernel },
) => Promise<void>

export const addressCodes = { invalid: 'identifier_invalid', taken: 'identifier_taken' } as const

/**
 * Burns the link, makes the account and gives it the role `admin` of the tenant: all of it or nothing. Whoever holds the link has
 * the terminal, so the address counts as proved.
 */
export async function makeFirstAdmin(
  kit: { readonly kernel: Kernel; readonly passwords: Passwords; readonly onFirstAdmin: FirstAdminHook | undefined },
  scope: RequestScope,
  given: { readonly token: string; readonly links: SetupLinks; readonly email: string; readonly password: string },
): Promise<Account> {
  const { kernel, passwords, onFirstAdmin } = kit
  const tenantId = scope.tenant.id
  if (!parseEmail(given.email)) throw identityErrors.identifier_invalid()
  checkNewPassword(given.password, [given.email])
  const hash = await passwords.hash(given.password)
  const judgement = await kernel.decisions.decide(scope, {
    action: 'setUp',
    resource: entityOf('Tenant', tenantId),
    context: { adminExists: await given.links.hasAdmin() },
  })
  if (!judgement.decision) throw issuanceErrors.credential_refused({ privateDetail: `setup, decision ${judgement.id}` })

  const accounts = createAccounts(kernel.database, tenantId)
  const actor: Actor = {
    tenantId,
    subject: entityOf('Anonymous', ''),
    requestId: scope.requestId,
    ip: scope.ip,
    decisionId: judgement.id,
  }
  const { value } = await kernel.withTransaction(actor, async (unit) => {
    if (!(await given.links.burn(given.token, scope.now))) throw identityErrors.setup_link_not_found()
    const { id } = await accounts.create(unit, { email: given.email, emailVerified: true }, scope.now)
    await accounts.setPassword(unit, id, hash, scope.now)
    await makeAdmin(kernel, unit, { tenantId, accountId: id }, scope.now)
    await onFirstAdmin?.(unit, { tenantId, accountId: id, kernel })
    return id
  })
  // Read after the commit, which raised the epoch.
  return accounts.get(value)
}

async function makeAdmin(
  { database }: Kernel,
  unit: UnitOfWork,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  now: number,
): Promise<void> {
  const text = `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, reason, created_at)
values ($1, 'Tenant', $1, 'admin', 'User', $2, 'first administrator', $3)`
  await database.query({ name: 'first-admin-relation', text }, [tenantId, accountId, new Date(now)])
  const tenant = entityOf('Tenant', tenantId)
  unit.changed({ kind: 'relation', resource: tenant, relation: 'admin', subject: entityOf('User', accountId) })
  unit.audit({ action: 'identity.setup.completed', resource: tenant, detail: { userId: accountId } })
  unit.emit('identity.setup.completed', { userId: accountId })
}
