import { refusals } from '../http/refusal.ts'

export const identityErrors = refusals({
  identifier_invalid: { status: 422, title: 'This is not an address that can be used to sign in.' },
  identifier_taken: { status: 409, title: 'This address is taken.' },
  password_too_short: { status: 422, title: 'The password is too short.' },
  password_too_long: { status: 422, title: 'The password is too long.' },
  password_too_common: { status: 422, title: 'This password is among the first that an attacker tries.' },
  account_not_found: { status: 404, title: 'There is no such account.' },
  account_status_conflict: { status: 409, title: 'The account is not in a state that allows this.' },
  hash_pool_full: { status: 503, title: 'Too many sign-ins at once. Try again shortly.' },
  setup_throttled: { status: 429, title: 'Too many tries. Wait a while.' },
  setup_link_not_found: { status: 404, title: 'There is no such page.' },
})
