import { refusals } from '../../server/module.ts'

/** Every refusal of this module. `access_denied` comes from the gate. */
export const errors = refusals({
  bucket_exists: { status: 409, title: 'A bucket of this name exists.' },
  organization_not_found: { status: 422, title: 'There is no such organization.' },
  object_gone: { status: 404, title: 'The object was removed meanwhile.' },
  invalid_key: { status: 422, title: 'This cannot be the key of an object.' },
  too_large: { status: 413, title: 'The object is larger than allowed.' },
  quota_exceeded: { status: 403, title: 'The bucket has no room for this.' },
  storage_full: { status: 507, title: 'The server has no room for this.' },
  storage_unavailable: { status: 503, title: 'Stored bytes cannot be reached now.' },
  digest_mismatch: { status: 422, title: 'The bytes that arrived are not the ones announced.' },
  digest_malformed: { status: 400, title: 'Content-Digest cannot be read.' },
  condition_malformed: { status: 400, title: 'A conditional header cannot be read.' },
  upload_incomplete: { status: 400, title: 'The body ended before its announced length.' },
  range_not_satisfiable: { status: 416, title: 'The object does not have this range.' },
})
