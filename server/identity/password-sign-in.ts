import { createHmac } from 'node:crypto'
import type { DecisionPoint } from '../decision/decision-point.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Accounts, SignInAccount } from './accounts.ts'
import { type Attempts, addressBudget, passwordBudget } from './attempts.ts'
import { entityOf } from './entities.ts'
import { parseIdentifier } from './identifiers.ts'
import type { Passwords } from './passwords.ts'

export type SignInOutcome =
  | { readonly kind: 'signedIn'; readonly accountId: string; readonly epoch: number; readonly deviceKnown: boolean }
  /** The one answer for a wrong password, an unknown address and an account that may not sign in (people.md §4). */
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly waitSeconds: number }

export type PasswordSignIn = (
  scope: RequestScope,
  given: {
    readonly identifier: string
    readonly password: string
    /** Whether this browser has signed in to the account before. */
    readonly isKnownDevice: (accountId: string) => boolean
  },
) => Promise<SignInOutcome>

/** A password longer than this is not hashed; no account has one. */
const longestPassword = 1_024

/**
 * Judges an address and a password. Known and unknown accounts cost the same work and the same budgets, so neither the answer
 * nor its time tells them apart (security.md row 14); strangers use up their own budget, never the person's.
 */
export function createPasswordSignIn(kit: {
  readonly accounts: Accounts
  readonly attempts: Attempts
  readonly passwords: Passwords
  readonly decisions: DecisionPoint
  /** Keys the budgets of addresses that lead to no account. */
  readonly budgetKey: Uint8Array
}): PasswordSignIn {
  const { accounts, attempts, passwords } = kit

  return async (scope, given) => {
    const { now } = scope
    const byAddress = addressBudget(scope.ip)
    const addressWait = await attempts.take(byAddress, now)
    if (addressWait > 0) return { kind: 'throttled', waitSeconds: addressWait }

    const identifier = parseIdentifier(given.identifier)
    const account = identifier ? await accounts.findForSignIn(identifier) : undefined
    const deviceKnown = account !== undefined && given.isKnownDevice(account.id)
    const budget = passwordBudget(
      account?.id ?? unknownSubject(kit.budgetKey, identifier?.normalized ?? given.identifier),
    )
    const wait = deviceKnown ? 0 : await attempts.take(budget, now)
    if (wait > 0) return { kind: 'throttled', waitSeconds: wait }

    const isShort = given.password.length <= longestPassword
    const matches = await passwords.verify(isShort ? given.password : '', isShort ? account?.password : undefined)
    if (!account || !matches || !(await maySignIn(kit.decisions, scope, { account, deviceKnown })))
      return { kind: 'refused' }
    if (!deviceKnown) await attempts.clear(budget)
    await attempts.giveBack(byAddress)
    return { kind: 'signedIn', accountId: account.id, epoch: account.epoch, deviceKnown }
  }
}

async function maySignIn(
  decisions: DecisionPoint,
  scope: RequestScope,
  { account, deviceKnown }: { readonly account: SignInAccount; readonly deviceKnown: boolean },
): Promise<boolean> {
  // people.md §1: an address that nobody has proved is no way in.
  if (!account.isVerified || account.status !== 'active') return false
  const { decision } = await decisions.decide(scope, {
    action: 'signIn',
    resource: entityOf('Tenant', scope.tenant.id),
    context: { account: { type: 'User', id: account.id }, deviceKnown, method: 'password' },
  })
  return decision
}

/** Addresses that lead nowhere have budgets too, lest having none tells them apart; what was typed is not stored. */
const unknownSubject = (key: Uint8Array, typed: string): string =>
  `?${createHmac('sha256', key).update(typed.slice(0, 1_000)).digest('base64url')}`
