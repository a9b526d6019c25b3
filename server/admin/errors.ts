import { refusals } from '../http/refusal.ts'

/** What the admin API refuses beyond the HTTP edge and the areas that it administers. */
export const adminErrors = refusals({
  field_not_allowed: { status: 403, title: 'The rules do not allow writing some of these members.' },
  client_exists: { status: 409, title: 'A client of this id exists.' },
  client_unusable: { status: 422, title: 'A client with this metadata could never be served.' },
  client_follows_document: { status: 409, title: 'This client is what its own document says.' },
  client_without_secret: { status: 409, title: 'This client does not authenticate with a secret.' },
  organization_exists: { status: 409, title: 'An organization of this id exists.' },
  organization_in_use: { status: 409, title: 'It has sub-organizations, or is the default one.' },
  organization_cycle: { status: 422, title: 'An organization cannot lie below itself.' },
  parent_not_found: { status: 422, title: 'There is no such parent organization.' },
  relation_refused: { status: 422, title: 'A tuple does not fit the declarations of the active policy.' },
  precondition_failed: { status: 409, title: 'A precondition does not hold; nothing was written.' },
  entity_refused: { status: 422, title: 'The entity does not fit the declarations of the active policy.' },
  policy_invalid: { status: 422, title: 'The policy does not compile; the active version stays.' },
  policy_tests_failed: { status: 422, title: 'Tests of the policy fail; the active version stays.' },
  list_disagrees: {
    status: 422,
    title: 'A list by these rules would differ from what each check says; the active version stays.',
  },
  draft_not_found: { status: 404, title: 'There is no such draft.' },
  version_not_found: { status: 404, title: 'There is no such version.' },
  active_moved: { status: 409, title: 'Another version was activated meanwhile.' },
  would_lock_out: { status: 409, title: 'Afterwards no administrator could activate a policy any more.' },
  declaration_in_use: { status: 409, title: 'Stored data uses declarations that the new version lacks.' },
  document_invalid: { status: 422, title: 'Some documents are not valid; nothing was changed.' },
  document_conflict: { status: 409, title: 'A document conflicts with what is stored; nothing was changed.' },
  foreign_tenant: { status: 403, title: 'Documents of another tenant take an administrator of the default tenant.' },
})
