import { refusals } from '../../http/refusal.ts'

export const errors = refusals({
  invalid_request: { status: 400, title: 'The request is not an evaluation request.' },
})
