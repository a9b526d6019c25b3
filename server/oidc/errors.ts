import { refusals } from '../http/refusal.ts'

export const oidcErrors = refusals({
  backchannel_request_settled: { status: 409, title: 'The request has been answered already, or has expired.' },
})
