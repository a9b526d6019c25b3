import { type Account, createAccounts } from '../../identity/accounts.ts'
import { parseEmail } from '../../identity/identifiers.ts'
import { checkAssignedPassword } from '../../identity/password-rules.ts'
import { diffMembers } from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/**
 * The document's name leads to the account; the account's id stays what it was. Members that do not stand in the document are
 * the person's own business and stay. A password is compared by verifying it, so that applying twice changes nothing.
 */
export const userKind: DocumentKind<Specs['User']> = {
  async apply(work, { name }, spec) {
    const email = parseEmail(spec.email)
    if (!email) throw new DocumentMistake('/spec/email', 'identifier_invalid', 'This is not an e-mail address.')
    const accounts = accountsOf(work)
    const known = work.names.targetOf('User', name)
    const found = typeof known === 'string' ? await accounts.find(known) : undefined
    const signIn = await accounts.findForSignIn(email)
    const before = found ?? (signIn && (await accounts.find(signIn.id)))
    const after = await putAccount(work, before, spec)
    const isOtherPassword = await putPassword(work, after, spec, before ? signIn?.password : undefined)
    if (after.status !== spec.status) await accounts.setStatus(work.unit, after.id, spec.status, work.now)
    if (!before) return { result: 'created', target: after.id }
    const { password: _, ...wanted } = spec
    const diff = [
      ...diffMembers(pick(specOf(before), Object.keys(wanted)), wanted),
      // That it changes is said; what it is never is.
      ...(isOtherPassword ? [{ member: 'password' }] : []),
    ]
    return { result: diff.length > 0 ? 'changed' : 'unchanged', diff, target: after.id }
  },
  async remove(work, _name, target) {
    await accountsOf(work).setStatus(work.unit, String(target), 'deleted', work.now)
  },
  async export(work) {
    const { database } = work.admin.kernel
    const rows: { readonly id: string }[] = await database
      .table('account')
      .select('id')
      .where('tenant_id', work.tenantId)
      .whereNot('status', 'deleted')
      .orderBy('id')
    const accounts = await Promise.all(rows.map(({ id }) => accountsOf(work).get(id)))
    return accounts
      .filter((account) => account.email !== undefined)
      .map((account) => ({ name: work.names.nameOf('User', account.id) ?? account.id, spec: specOf(account) }))
  },
}

async function putAccount(work: Work, before: Account | undefined, spec: Specs['User']): Promise<Account> {
  const accounts = accountsOf(work)
  const { email, emailVerified, claims, locale } = spec
  const optional = { ...(claims === undefined ? {} : { claims }), ...(locale === undefined ? {} : { locale }) }
  if (!before) return accounts.create(work.unit, { email, emailVerified, ...optional }, work.now)
  const stored = specOf(before)
  const isMoved = stored.email !== email
  const isSame =
    diffMembers(pick(stored, ['emailVerified', ...Object.keys(optional)]), { emailVerified, ...optional }).length === 0
  if (!isMoved && isSame) return before
  return accounts.update(work.unit, before.id, { ...(isMoved ? { email } : {}), emailVerified, ...optional }, work.now)
}

/** True if the password is another one than before. */
async function putPassword(
  { admin, unit, now, isPlan, tenantId }: Work,
  account: Account,
  { password }: Specs['User'],
  stored: Parameters<typeof admin.passwords.verify>[1],
): Promise<boolean> {
  if (password === undefined) return false
  if (stored && (await admin.passwords.verify(password, stored))) return false
  checkAssignedPassword(password)
  if (isPlan) return true
  const hash = await admin.passwords.hash(password)
  await createAccounts(admin.kernel.database, tenantId).setPassword(unit, account.id, hash, now)
  return true
}

const specOf = ({ email, claims, locale, status }: Account): { readonly [name: string]: unknown } => ({
  email: email?.address,
  emailVerified: email?.isVerified ?? false,
  claims,
  ...(locale === undefined ? {} : { locale }),
  status,
})

const pick = (from: { readonly [name: string]: unknown }, names: readonly string[]) =>
  Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]))

const accountsOf = ({ admin, tenantId }: Work) => createAccounts(admin.kernel.database, tenantId)
