import { refusals } from '../http/refusal.ts'

export const issuanceErrors = refusals({
  credential_refused: { status: 403, title: 'This is not permitted.' },
  sign_in_refused: { status: 403, title: 'This sign-in is not permitted.' },
})
