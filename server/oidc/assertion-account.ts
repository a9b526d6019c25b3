import type { Accounts } from '../identity/accounts.ts'
import { parseEmail } from '../identity/identifiers.ts'
import type { Assertion } from './trusted-issuers.ts'

/**
 * Whom an assertion speaks of. By address only where the issuer says that it has checked it, is in charge of its domain, and the
 * account has proved the same address to us (security.md row 3).
 */
export async function accountOfAssertion(
  { issuer, sub, claims }: Assertion,
  accounts: Accounts,
): Promise<string | undefined> {
  if (issuer.subject.by === 'account') {
    const account = /^[0-9a-f-]{36}$/.test(sub) ? await accounts.find(sub) : undefined
    return account?.status === 'active' ? account.id : undefined
  }
  const { email, email_verified: isVerified } = claims
  if (typeof email !== 'string' || isVerified !== true) return undefined
  const address = parseEmail(email)
  const domain = address?.normalized.split('@').at(-1) ?? ''
  if (!address || !issuer.subject.domains.includes(domain.toLowerCase())) return undefined
  const found = await accounts.findForSignIn(address)
  return found?.isVerified && found.status === 'active' ? found.id : undefined
}
