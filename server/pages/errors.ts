import { refusals } from '../http/refusal.ts'

export const pageErrors = refusals({
  interaction_not_found: { status: 400, title: 'This sign-in has expired, or was started in another browser.' },
  foreign_form: { status: 403, title: 'The form was sent from another site, or is too old.' },
})
