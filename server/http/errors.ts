import { refusals } from './refusal.ts'

/** What the HTTP edge itself refuses, whatever the route. */
export const errors = refusals({
  malformed_json: { status: 400, title: 'The body is not one valid JSON document.' },
  malformed_form: { status: 400, title: 'The form is not valid.' },
  invalid_path: { status: 400, title: 'The path is not in its normal form.' },
  invalid_query: { status: 400, title: 'The query is not valid.' },
  invalid_text: { status: 400, title: 'A text holds characters that cannot be stored.' },
  authentication_required: { status: 401, title: 'Sign in first.' },
  invalid_token: { status: 401, title: 'The token is not valid here.' },
  tenant_mismatch: { status: 401, title: 'The token belongs to another tenant.' },
  insufficient_user_authentication: { status: 401, title: 'A stronger sign-in is needed.' },
  access_denied: { status: 403, title: 'The rules do not allow this.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'This path does not take this method.' },
  body_timeout: { status: 408, title: 'The body did not arrive in time.' },
  conflict: { status: 409, title: 'The change conflicts with what is stored.' },
  body_too_large: { status: 413, title: 'The body is too large.' },
  url_too_long: { status: 414, title: 'The address is too long.' },
  unsupported_media_type: { status: 415, title: 'The body has a type that is not taken here.' },
  validation_failed: { status: 422, title: 'Some of the input is not valid.' },
  unknown_field: { status: 422, title: 'The input has members that do not exist.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  internal_error: { status: 500, title: 'Something went wrong on our side.' },
  database_unavailable: { status: 503, title: 'The database cannot be reached.' },
  decision_unavailable: { status: 503, title: 'No decision can be made right now.' },
  shutting_down: { status: 503, title: 'The server is shutting down.' },
})
