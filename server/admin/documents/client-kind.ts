import { clientMetadataSchema, matchesClientSecret } from '../../oidc/client-metadata.ts'
import { createClientStore, usesSecret } from '../client-store.ts'
import { diffMembers } from './document.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/** A secret that does not stand in the document is generated once and shown once; a stored one is compared by its digest. */
export const clientKind: DocumentKind<Specs['Client']> = {
  async apply(work, { name: documentName }, spec) {
    const {
      clientId: id = documentName,
      clientSecret,
      name = documentName,
      firstParty,
      status,
      organization,
      ...metadata
    } = spec
    const store = storeOf(work)
    const target = id
    const before = await store.find(id)
    if (!before) {
      const isMade = clientSecret === undefined && usesSecret(metadata)
      const secret = isMade ? work.admin.kernel.secrets.token(32) : clientSecret
      const client = { id, name, metadata, firstParty, ...(organization === undefined ? {} : { organization }) }
      await store.create(work.unit, client, secret)
      if (status !== 'active') await store.update(work.unit, id, { status })
      return {
        result: 'created',
        target,
        ...(isMade && secret !== undefined ? { secret: { clientSecret: secret } } : {}),
      }
    }
    const stored = { ...before.metadata, name: before.name, status: before.status, firstParty: before.firstParty }
    const diff = diffMembers(stored, { ...metadata, name, status, firstParty })
    if (diff.length > 0) await store.update(work.unit, id, { name, status, firstParty, metadata })
    const isOtherSecret = clientSecret !== undefined && !matchesClientSecret(clientSecret, before.secretHashes)
    if (isOtherSecret) await store.replaceSecret(work.unit, id, clientSecret)
    // That it changes is said; what it is never is.
    const all = isOtherSecret ? [...diff, { member: 'clientSecret' }] : diff
    return { result: all.length > 0 ? 'changed' : 'unchanged', diff: all, target }
  },
  async remove(work, _name, target) {
    await storeOf(work).remove(work.unit, String(target))
  },
  async export(work) {
    const all = await storeOf(work).list(undefined, 100_000)
    // What registered itself, or has a document of its own, is not the files' to say.
    const made = all.filter(({ origin }) => origin === 'administrator')
    return made.map(({ id, name, status, firstParty, organization, metadata }) => ({
      name: work.names.nameOf('Client', id) ?? id,
      spec: {
        clientId: id,
        ...{ name, status, firstParty },
        ...(organization === undefined ? {} : { organization }),
        ...clientMetadataSchema.parse(metadata),
      },
    }))
  },
}

const storeOf = ({ admin, tenantId }: Work) => createClientStore(admin.kernel.database, tenantId)
