import { refusals } from '../../http/refusal.ts'

/** What the registration endpoint refuses, in the words of RFC 7591 §3.2.2; its answers have OAuth's form. */
export const registrationErrors = refusals({
  invalid_client_metadata: { status: 400, title: 'The client metadata is not acceptable.' },
  invalid_redirect_uri: { status: 400, title: 'A redirect URI cannot be registered.' },
  invalid_software_statement: { status: 400, title: 'The software statement is not valid.' },
  unapproved_software_statement: { status: 400, title: 'The issuer of the software statement is not trusted here.' },
  too_many_clients: { status: 503, title: 'No more clients can register themselves for now.' },
  algorithm_in_use: { status: 409, title: 'Clients still ask for a signing algorithm that would go.' },
  resource_of_server: { status: 400, title: 'A resource is named like something of this server.' },
  initial_token_needed: { status: 401, title: 'Registering takes an initial access token.' },
})
