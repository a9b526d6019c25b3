import { refusals } from '../http/refusal.ts'

export const errors = refusals({
  policy_unavailable: { status: 503, title: 'The rules of this tenant cannot be loaded right now.' },
  request_not_readable: {
    status: 400,
    title: 'The request to explain has no subject, action or resource of its form.',
  },
  list_withheld: { status: 503, title: 'The page is withheld: a row of it did not stand a second judgement.' },
  invalid_consistency: { status: 400, title: 'The consistency token is not one of this tenant.' },
})
