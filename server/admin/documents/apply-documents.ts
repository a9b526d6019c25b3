import { DatabaseError } from '../../../adapters/database/port.ts'
import type { Program } from '../../../policy-lang/index.ts'
import type { JsonValue } from '../../decision/decision-point.ts'
import type { Actor } from '../../events/unit-of-work.ts'
import { Refusal } from '../../http/refusal.ts'
import { adminErrors } from '../errors.ts'
import { locateDiagnostics } from '../locate-diagnostics.ts'
import { checkGates } from '../policy-gates.ts'
import type { Admin } from '../request.ts'
import { clientKind } from './client-kind.ts'
import {
  type Document,
  type DocumentProblem,
  type KindName,
  kindNames,
  labelOf,
  type MemberChange,
} from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import { entityKind } from './entity-kind.ts'
import { initialAccessTokenKind } from './initial-access-token-kind.ts'
import { openidSettingsKind } from './openid-settings-kind.ts'
import { organizationKind } from './organization-kind.ts'
import { checkSpec } from './parse-documents.ts'
import { policySetKind } from './policy-set-kind.ts'
import { roleKind } from './role-kind.ts'
import { specs } from './specs.ts'
import { applyTenant } from './tenant-kind.ts'
import { trustedIssuerKind } from './trusted-issuer-kind.ts'
import { assignmentKind, relationKind } from './tuple-kinds.ts'
import { userKind } from './user-kind.ts'
import { type Applied, type DocumentKind, readDocumentNames, type Work } from './work.ts'

export type ApplyRequest = {
  readonly documents: readonly Document[]
  /** Who applies; `tenantId` is the tenant of documents that name none. */
  readonly actor: Actor
  readonly now: number
  /** Only administrators of the default tenant, and whoever has the database, reach other tenants. */
  readonly mayOtherTenants: boolean
  /** Delete what documents once made and these do not list. */
  readonly prune: boolean
}

export type ApplyResult = {
  readonly created: readonly string[]
  readonly changed: readonly string[]
  readonly unchanged: readonly string[]
  readonly deleted: readonly string[]
  readonly diff: readonly { readonly document: string; readonly changes: readonly MemberChange[] }[]
  /** What users are called by the rest of the world. */
  readonly ids: { readonly [document: string]: string }
  /** Generated here and shown once. */
  readonly secrets: { readonly [document: string]: { readonly [name: string]: string } }
}

/** THE TABLE of kinds that live in a tenant. Each parses its own spec, so what it is given has its shape. */
export const documentKinds: { readonly [K in Exclude<KindName, 'Tenant'>]: DocumentKind<never> } = {
  PolicySet: policySetKind,
  Organization: organizationKind,
  Role: roleKind,
  OpenidSettings: openidSettingsKind,
  TrustedIssuer: trustedIssuerKind,
  InitialAccessToken: initialAccessTokenKind,
  Client: clientKind,
  User: userKind,
  Entity: entityKind,
  Relation: relationKind,
  Assignment: assignmentKind,
}

/** Makes the server match the documents: all of them in one transaction, or none (surface.md, CLI). */
export const applyDocuments = (admin: Admin, request: ApplyRequest): Promise<ApplyResult> => run(admin, request, false)

/** What `applyDocuments` would do: the very same steps, rolled back. */
export const planDocuments = (admin: Admin, request: ApplyRequest): Promise<ApplyResult> => run(admin, request, true)

async function run(admin: Admin, request: ApplyRequest, isPlan: boolean): Promise<ApplyResult> {
  refuseWrongForm(request)
  const { kernel } = admin
  const tenants = [
    ...new Set([request.actor.tenantId, ...request.documents.map((document) => tenantOf(request, document))]),
  ]
  // ORDER: whatever is remembered outside of the transaction is read before it: the embedded database has one session.
  for (const tenantId of [...tenants, ...newTenants(request)]) await kernel.changes.follow(tenantId)
  const outcome: Outcome = { created: [], changed: [], unchanged: [], deleted: [], diff: [], ids: {}, secrets: {} }
  try {
    await kernel.database.transaction(async () => {
      await applyTenants(admin, request, outcome)
      for (const tenantId of tenants) await applyToTenant(admin, request, { tenantId, isPlan, outcome })
      if (isPlan) throw new PlanMade()
    })
  } catch (error) {
    if (!(error instanceof PlanMade)) throw error
    return { ...outcome, secrets: {}, ids: {} }
  }
  for (const tenantId of tenants) await kernel.policies.settled(tenantId)
  return outcome
}

/** Ends a plan: everything is rolled back. */
class PlanMade extends Error {}

type Outcome = {
  created: string[]
  changed: string[]
  unchanged: string[]
  deleted: string[]
  diff: { document: string; changes: readonly MemberChange[] }[]
  ids: { [document: string]: string }
  secrets: { [document: string]: { readonly [name: string]: string } }
}

const tenantOf = ({ actor }: ApplyRequest, { kind, tenant }: Document): string =>
  kind === 'Tenant' ? actor.tenantId : (tenant ?? actor.tenantId)
const newTenants = ({ documents }: ApplyRequest): string[] =>
  documents.filter(({ kind }) => kind === 'Tenant').map(({ name }) => name)

function refuseWrongForm(request: ApplyRequest): void {
  const { documents, actor, mayOtherTenants } = request
  const problems: DocumentProblem[] = documents.flatMap((document, index) => checkSpec(document, index))
  const first = new Map<string, number>()
  for (const [index, document] of documents.entries()) {
    const key = JSON.stringify([tenantOf(request, document), document.kind, document.name])
    const { kind, name } = document
    if (first.has(key))
      problems.push({
        document: index,
        kind,
        name,
        pointer: '/name',
        code: 'duplicate_document',
        message: `${labelOf(document)} stands twice.`,
      })
    first.set(key, index)
  }
  if (problems.length > 0) throw adminErrors.document_invalid({ members: { errors: problems } })
  const isForeign = documents.some(
    (document) => document.kind === 'Tenant' || tenantOf(request, document) !== actor.tenantId,
  )
  if (isForeign && !mayOtherTenants) throw adminErrors.foreign_tenant()
}

async function applyTenants(admin: Admin, request: ApplyRequest, outcome: Outcome): Promise<void> {
  for (const [index, document] of request.documents.entries()) {
    if (document.kind !== 'Tenant') continue
    const applied = await located(document, index, () =>
      applyTenant(admin, request.actor, document.name, specs.Tenant.parse(document.spec)),
    )
    note(outcome, document, applied)
  }
}

type Share = { readonly tenantId: string; readonly isPlan: boolean; readonly outcome: Outcome }

async function applyToTenant(admin: Admin, request: ApplyRequest, { tenantId, isPlan, outcome }: Share): Promise<void> {
  const { kernel } = admin
  const mine = [...request.documents.entries()]
    .filter(([, document]) => document.kind !== 'Tenant' && tenantOf(request, document) === tenantId)
    .sort(([, one], [, other]) => kindNames.indexOf(one.kind) - kindNames.indexOf(other.kind))
  if (mine.length === 0 && !request.prune) return
  const { subject } = request.actor
  const names = await readDocumentNames(admin, tenantId)
  await kernel.withTransaction({ ...request.actor, tenantId }, async (unit) => {
    const program = composedOnce(admin, tenantId)
    const work: Work = {
      admin,
      tenantId,
      unit,
      now: request.now,
      by: `${subject.type}:${subject.id}`,
      isPlan,
      program,
      names,
    }
    for (const [index, document] of mine) {
      const { kind } = document
      if (kind === 'Tenant') continue
      // Parsed by the kind's own schema, which is what the kind is written for.
      const spec = specs[kind].parse(document.spec) as never
      const applied = await located(document, index, () => documentKinds[kind].apply(work, document, spec))
      await names.put(kind, document.name, applied.target)
      note(outcome, document, applied)
      if (kind === 'User' && typeof applied.target === 'string') outcome.ids[labelOf(document)] = applied.target
    }
    if (request.prune)
      await prune(
        work,
        mine.map(([, document]) => document),
        outcome,
      )
    const isPolicyChanged = [...outcome.created, ...outcome.changed, ...outcome.deleted].some((label) =>
      label.includes('PolicySet/'),
    )
    if (isPolicyChanged) await checkSets(admin, { tenantId, now: request.now })
    unit.audit({
      action: 'documents.apply',
      resource: { kind: 'entity', type: 'Tenant', id: tenantId },
      detail: { created: outcome.created.length, changed: outcome.changed.length, deleted: outcome.deleted.length },
    })
  })
}

/** The tenant's sets as they stand inside this transaction; compiled when first asked for. */
function composedOnce(admin: Admin, tenantId: string): () => Promise<Program> {
  let program: Promise<Program> | undefined
  const compose = async () => {
    const composed = await composeActive(admin, tenantId)
    if (composed.policy) return composed.policy.program
    const diagnostics = locateDiagnostics('', composed).map(
      (diagnostic): JsonValue => ({ ...diagnostic, notes: diagnostic.notes ?? [] }),
    )
    throw adminErrors.policy_invalid({ members: { diagnostics } })
  }
  return () => {
    program ??= compose()
    return program
  }
}

/** All sets that are active inside this transaction: replacing one by what it is changes nothing. */
const composeActive = ({ kernel }: Admin, tenantId: string) => kernel.policies.compose(tenantId, '', undefined)

/** The gates of activation, for all sets of the tenant together: the documents may name each other in any order. */
async function checkSets(
  admin: Admin,
  { tenantId, now }: { readonly tenantId: string; readonly now: number },
): Promise<void> {
  const { database, policies, checkLists: lists } = admin.kernel
  const composed = await composeActive(admin, tenantId)
  await checkGates({ database, tenantId, set: '', composed, active: policies.peek(tenantId)?.program, now, lists })
}

/** ORDER: what names others goes first. */
async function prune(work: Work, listed: readonly Document[], outcome: Outcome): Promise<void> {
  const keep = new Set(listed.map(({ kind, name }) => JSON.stringify([kind, name])))
  const stale = work.names.all().filter(({ kind, name }) => !keep.has(JSON.stringify([kind, name])))
  for (const kind of [...kindNames].reverse()) {
    if (kind === 'Tenant') continue
    for (const { name, target } of stale.filter((row) => row.kind === kind)) {
      await documentKinds[kind].remove(work, name, target)
      await work.names.remove(kind, name)
      outcome.deleted.push(labelOf({ kind, name, tenant: undefined }))
    }
  }
}

function note(outcome: Outcome, document: Document, { result, diff = [], secret }: Applied): void {
  const label = labelOf(document)
  outcome[result].push(label)
  if (result === 'changed') outcome.diff.push({ document: label, changes: diff })
  if (secret) outcome.secrets[label] = secret
}

/** Says which document a refusal is about. */
async function located<T>(document: Document, index: number, apply: () => Promise<T>): Promise<T> {
  const { kind, name } = document
  const about = { document: index, kind, name }
  try {
    return await apply()
  } catch (error) {
    if (error instanceof DocumentMistake) {
      const { pointer, code, message } = error
      throw adminErrors.document_invalid({ members: { errors: [{ ...about, pointer, code, message }] } })
    }
    if (error instanceof Refusal && error.kind.status < 500 && error.options.members === undefined) {
      const { code, title, status } = error.kind
      const message = error.options.detail ?? title
      const refuse = status === 409 ? adminErrors.document_conflict : adminErrors.document_invalid
      throw refuse({ members: { errors: [{ ...about, pointer: '', code, message }] }, cause: error })
    }
    if (error instanceof DatabaseError && error.kind === 'foreignKey') {
      throw adminErrors.document_conflict({
        members: {
          errors: [{ ...about, pointer: '', code: 'reference', message: 'It names something that does not exist.' }],
        },
        cause: error,
      })
    }
    throw error
  }
}
