import type { Account } from '../identity/accounts.ts'

/** Which scope releases which claims (OIDC Core §5.4). */
export const claimsByScope = {
  openid: ['sub', 'auth_time', 'acr', 'amr'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

const stored = new Set([...claimsByScope.profile, ...claimsByScope.address])

/** Every claim we hold; the library releases those that scope, request and grant allow. */
export function claimsOf(account: Account): { readonly sub: string; readonly [claim: string]: unknown } {
  const own = Object.entries(account.claims).filter(([name]) => stored.has(name))
  return {
    ...Object.fromEntries(own),
    ...(account.username !== undefined ? { preferred_username: account.username } : {}),
    ...(account.locale !== undefined ? { locale: account.locale } : {}),
    ...(account.email ? { email: account.email.address, email_verified: account.email.isVerified } : {}),
    ...(account.phone ? { phone_number: account.phone.number, phone_number_verified: account.phone.isVerified } : {}),
    updated_at: Math.floor(account.updatedAt / 1_000),
    sub: account.id,
  }
}
