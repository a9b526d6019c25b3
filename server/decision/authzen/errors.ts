import { refusals } from '../../http/refusal.ts'

export const errors = refusals({
  invalid_request: { status: 400, title: 'The request is not an evaluation request.' },
  invalid_page_token: { status: 400, title: 'The page token is not one of this search.' },
  outdated_page_token: {
    status: 400,
    title: 'The rules have changed since the page before: search again from the start.',
  },
})
