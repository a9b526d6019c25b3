import { refusals } from '../http/refusal.ts'

export const issuanceErrors = refusals({
  credential_refused: { status: 403, title: 'This is not permitted.' },
  stronger_sign_in_needed: { status: 403, title: 'This needs a stronger or a more recent sign-in.' },
  sign_in_refused: { status: 403, title: 'This sign-in is not permitted.' },
})
