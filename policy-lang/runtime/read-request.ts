import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type EntityData, type Program } from '../ir/program.ts'
import type { Request } from './decision.ts'
import { isObject, readEntity, readValue } from './read-value.ts'
import type { Json } from './strict-json.ts'

/** A question in AuthZEN's form, typed against the program. */
export type ReadRequest =
  | {
      readonly ok: true
      readonly request: Request
      /** Properties that callers may send (`@suppliable`); `supplyProperties` makes overlay rows of them. */
      readonly supplied: readonly SuppliedProperties[]
      /** Paths of declared properties and arguments whose value has another type: they count as missing (SPEC 5). */
      readonly mistyped: readonly string[]
    }
  | { readonly ok: false; readonly message: string }

/** undefined: sent with another type, so the stored value does not count either. */
export type SuppliedProperties = {
  readonly uid: EntityValue
  readonly attributes: ReadonlyMap<string, Value | undefined>
}

/** Rows for `overlay`: what is stored, with the supplied properties over it. */
export function supplyProperties(
  program: Program,
  facts: Facts,
  supplied: readonly SuppliedProperties[],
): readonly EntityData[] {
  return supplied.map(({ uid, attributes }) => {
    const merged = new Map<string, Value>()
    for (const name of program.entityTypes.get(uid.type)?.attributes.keys() ?? []) {
      const value = attributes.has(name) ? attributes.get(name) : facts.attribute(uid, name)
      if (value !== undefined) merged.set(name, value)
    }
    return { uid, attributes: merged }
  })
}

/**
 * `{subject?, action, resource, context?}`. No subject is `Anonymous`. An unknown action or type is not a mistake here: the
 * decision says `unknown-action`. Unknown members are ignored.
 */
export function readRequest(program: Program, json: Json): ReadRequest {
  if (!isObject(json)) return { ok: false, message: 'the request is not an object' }
  const subject = json.subject === undefined ? anonymous : readEntity(json.subject)
  if (!subject) return { ok: false, message: 'subject needs a type and an id, both text' }
  const resource = readEntity(json.resource)
  if (!resource) return { ok: false, message: 'resource needs a type and an id, both text' }
  const action = isObject(json.action) ? (json.action.name ?? json.action.id) : json.action
  if (typeof action !== 'string') return { ok: false, message: 'action needs a name' }
  if (json.context !== undefined && !isObject(json.context)) return { ok: false, message: 'context is not an object' }
  const mistyped: string[] = []
  const properties = isObject(json.action) && isObject(json.action.properties) ? json.action.properties : {}
  const given = { ...properties, ...(json.context ?? {}) }
  const context = readContext(program, { action, resource }, { json: given, mistyped })
  const supplied = [
    ...readProperties(program, subject, { json: json.subject, path: 'subject', mistyped }),
    ...readProperties(program, resource, { json: json.resource, path: 'resource', mistyped }),
  ]
  return { ok: true, request: { subject, action, resource, context }, supplied, mistyped }
}

/** No subject is this one (SPEC 3). */
export const anonymous: EntityValue = { kind: 'entity', type: 'Anonymous', id: '' }

/** Arguments and standard context of an action. `now` is never taken from a request: the executor's clock decides. */
export function readContext(
  program: Program,
  asked: Pick<Request, 'action' | 'resource'>,
  from: { readonly json: { readonly [name: string]: Json }; readonly mistyped: string[] },
): ReadonlyMap<string, Value> {
  const declared = program.actions.get(actionKey(asked.action, asked.resource.type))
  const context = new Map<string, Value>()
  for (const [name, field] of Object.entries(declared?.context.fields ?? {})) {
    if (name === 'now' || !Object.hasOwn(from.json, name)) continue
    const value = readValue(from.json[name], field.type)
    if (value !== undefined) context.set(name, value)
    else if (from.json[name] !== null) from.mistyped.push(`context.${name}`)
  }
  return context
}

function readProperties(
  program: Program,
  uid: EntityValue,
  from: { readonly json: Json | undefined; readonly path: string; readonly mistyped: string[] },
): readonly SuppliedProperties[] {
  const properties = isObject(from.json) ? from.json.properties : undefined
  if (!isObject(properties)) return []
  const attributes = new Map<string, Value | undefined>()
  for (const attribute of program.entityTypes.get(uid.type)?.attributes.values() ?? []) {
    if (!attribute.marks?.suppliable || !Object.hasOwn(properties, attribute.name)) continue
    const value = readValue(properties[attribute.name], attribute.type)
    attributes.set(attribute.name, value)
    if (value === undefined) from.mistyped.push(`${from.path}.${attribute.name}`)
  }
  return attributes.size > 0 ? [{ uid, attributes }] : []
}
