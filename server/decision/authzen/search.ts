import type { Secrets } from '../../../adapters/secrets/port.ts'
import { actionNames, compareCodePoints, type EntityValue } from '../../../policy-lang/index.ts'
import type { ChangeFeed } from '../../events/change.ts'
import { errors as httpErrors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { Ask, Asked } from '../ask.ts'
import type { JsonValue } from '../decision-point.ts'
import { limits } from '../limits.ts'
import type { Search, SearchQuestion } from '../search.ts'
import { errors } from './errors.ts'
import { openPage, type PageBinding, sealPage } from './page-token.ts'
import { isObject, type JsonObject, readEvaluation } from './read-evaluation.ts'

export type SearchEndpointDeps = {
  readonly search: Search
  readonly ask: Ask
  readonly secrets: Secrets
  readonly changes: ChangeFeed
}

export type SearchEndpoint = (deps: SearchEndpointDeps, scope: RequestScope, body: JsonValue) => Promise<Found>

/** `POST /access/v1/search/subject`: an `id` of the subject is ignored (AuthZEN 1.0, Subject Search). */
export const searchSubjects: SearchEndpoint = (deps, scope, body) => searchEntities(deps, scope, body, 'subject')

/** `POST /access/v1/search/resource`. */
export const searchResources: SearchEndpoint = (deps, scope, body) => searchEntities(deps, scope, body, 'resource')

/** `POST /access/v1/search/action`: an `action` is ignored. */
export async function searchActions(deps: SearchEndpointDeps, scope: RequestScope, body: JsonValue): Promise<Found> {
  const { query, page } = readSearch(body)
  const { action: _, ...rest } = query
  const binding: PageBinding = { endpoint: 'action', query: rest }
  const { after, limit } = place(deps, scope, binding, page)
  const { program } = scope.policy
  const probe = readAsked(scope, { ...rest, action: { name: '' } })
  const names = actionNames(program, probe.request.resource.type).filter(
    (name) => after === undefined || compareCodePoints(name, after) > 0,
  )
  const asked = names.map((name) => readAsked(scope, { ...rest, action: { name } }))
  const position = deps.changes.seen(scope.tenant.id)
  const decisions = await deps.ask(scope.policy, asked, scope.now)
  if (decisions.some(({ code }) => code === 'unavailable')) throw unavailable()
  const allowed = names.filter((_, index) => decisions[index]?.decision)
  const results = allowed.slice(0, limit).map((name) => ({ name }))
  const next = allowed.length > limit ? results.at(-1)?.name : undefined
  return found(deps, scope, binding, { results, next, position })
}

async function searchEntities(
  deps: SearchEndpointDeps,
  scope: RequestScope,
  body: JsonValue,
  side: SearchQuestion['side'],
): Promise<Found> {
  const { query, page } = readSearch(body)
  const wanted = query[side]
  if (!isObject(wanted)) throw errors.invalid_request({ detail: `${side} is missing or not an object` })
  // Of what is searched for only the type counts: an id, or properties of nobody in particular, change nothing.
  const { type = null } = wanted
  const rest = { ...query, [side]: { type, id: '' } }
  const asked = readAsked(scope, rest)
  const binding: PageBinding = { endpoint: side, query: rest }
  const { after, limit, position } = place(deps, scope, binding, page)
  if (position > deps.changes.seen(scope.tenant.id)) await deps.changes.catchUp(scope.tenant.id)
  const answer = await deps.search(scope.policy, { side, asked }, { after, limit, now: scope.now })
  if (answer === 'unavailable') throw unavailable()
  const results = answer.ids.map((id) => ({ type: asked.request[side].type, id }))
  return found(deps, scope, binding, { results, next: answer.next, position: answer.position })
}

export type Found = { readonly body: JsonObject; readonly position: bigint }

/** `next_token` is empty at the end, and only there (AuthZEN 1.0, pagination). */
function found(
  { secrets }: SearchEndpointDeps,
  scope: RequestScope,
  binding: PageBinding,
  page: { readonly results: readonly JsonObject[]; readonly next: string | undefined; readonly position: bigint },
): Found {
  const { results, next, position } = page
  const token = next === undefined ? '' : sealPage(secrets, scope, binding, { after: next, position })
  return { body: { page: { next_token: token, count: results.length }, results }, position }
}

function readSearch(body: JsonValue): { readonly query: JsonObject; readonly page: JsonObject } {
  if (!isObject(body)) throw errors.invalid_request({ detail: 'the request is not an object' })
  const { page = {}, ...query } = body
  if (!isObject(page)) throw errors.invalid_request({ detail: 'page is not an object' })
  return { query, page }
}

/** A larger page than is served is cut to size, as a page may always be shorter than asked for. */
function place(
  { secrets }: SearchEndpointDeps,
  scope: RequestScope,
  binding: PageBinding,
  { token = '', limit = limits.searchPage }: JsonObject,
): { readonly after: string | undefined; readonly limit: number; readonly position: bigint } {
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) {
    throw errors.invalid_request({ detail: 'page.limit must be a whole number from 1' })
  }
  if (typeof token !== 'string') throw errors.invalid_request({ detail: 'page.token must be a string' })
  const size = Math.min(limit, limits.searchPageMaximum)
  if (token === '') return { after: undefined, limit: size, position: 0n }
  return { ...openPage(secrets, scope, binding, token), limit: size }
}

function readAsked(scope: RequestScope, query: JsonObject): Asked {
  const read = readEvaluation(scope.policy.program, query)
  if (typeof read === 'string') throw errors.invalid_request({ detail: read })
  // The tenant is the one that is asked, as in an evaluation.
  const tenant: EntityValue = { kind: 'entity', type: 'Tenant', id: scope.tenant.id }
  const context = new Map(read.request.context).set('tenant', tenant)
  return { request: { ...read.request, context }, given: [], supplied: read.supplied }
}

const unavailable = () => httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
