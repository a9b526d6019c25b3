import type { AttributeType, EntityType, EntityValue, Json, Program } from '../../policy-lang/index.ts'
import { readEntity, readValue, writeValue } from '../../policy-lang/index.ts'
import { suggest } from '../cli/suggest.ts'

export type EntityMistake = { readonly pointer: string; readonly code: string; readonly message: string }
export type GivenEntity = {
  readonly attributes: { readonly [name: string]: Json }
  readonly parents: readonly { readonly type: string; readonly id: string }[]
}
/** Attributes and links as they are stored: links are attributes, in the one spelling that policies read. */
export type ReadEntity = {
  readonly attributes: { readonly [name: string]: Json }
  readonly mistakes: readonly EntityMistake[]
}

/** Of the types that live in no table of the server: a tenant's own, and groups. */
export function isEntityType(program: Program, name: string): boolean {
  const type = program.entityTypes.get(name)
  return type !== undefined && (type.layer === 'tenant' || type.layer === 'organization' || name === 'Group')
}

/** Typed against the active program; everything that does not fit is reported at once, with what was meant (admin.md §1). */
export function readEntityInput(program: Program, uid: EntityValue, given: GivenEntity): ReadEntity {
  const type = program.entityTypes.get(uid.type)
  if (!type || !isEntityType(program, uid.type)) {
    const names = [...program.entityTypes.keys()].filter((name) => isEntityType(program, name))
    return {
      attributes: {},
      mistakes: [unknown('', `No policy of this tenant declares the type ${uid.type}`, uid.type, names)],
    }
  }
  const mistakes: EntityMistake[] = []
  const attributes: { [name: string]: Json } = Object.create(null)
  for (const [name, json] of Object.entries(given.attributes)) {
    const pointer = `/attributes/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const declared = type.attributes.get(name)
    if (!declared) {
      mistakes.push(unknown(pointer, `${type.name} declares no attribute ${name}`, name, [...type.attributes.keys()]))
      continue
    }
    const value = readValue(json, declared.type)
    if (value !== undefined) attributes[name] = writeValue(value, declared.type)
    else mistakes.push({ pointer, code: 'wrong_type', message: `${name} is ${describe(declared)}.` })
  }
  for (const [index, parent] of given.parents.entries()) {
    const mistake = putParent(type, attributes, parent)
    if (mistake) mistakes.push({ pointer: `/parents/${index}`, ...mistake })
  }
  return { attributes, mistakes }
}

/** A parent goes to the link of its type; where two links share a type, `attributes` says which (SPEC 9). */
function putParent(
  type: EntityType,
  attributes: { [name: string]: Json },
  parent: { readonly type: string; readonly id: string },
) {
  const links = [...type.attributes.values()].filter(
    (attribute) => attribute.link && targetsOf(attribute).includes(parent.type),
  )
  const [link, other] = links
  if (!link) return { code: 'unknown_parent', message: `${type.name} has no link to ${parent.type}.` }
  if (other) {
    const names = links.map(({ name }) => name).join(', ')
    return { code: 'ambiguous_parent', message: `Name the link among the attributes: ${names}.` }
  }
  const before = attributes[link.name]
  const json = { type: parent.type, id: parent.id }
  if (link.type.kind === 'set') attributes[link.name] = [...(Array.isArray(before) ? before : []), json]
  else if (before === undefined) attributes[link.name] = json
  else if (readEntity(before)?.id !== parent.id) {
    return { code: 'ambiguous_parent', message: `${type.name} has one ${link.name}, and two are named.` }
  }
  return undefined
}

/** The entities that a row lies directly below. */
export function parentsOf(type: EntityType, attributes: { readonly [name: string]: Json }): EntityValue[] {
  return [...type.attributes.values()]
    .filter((attribute) => attribute.link)
    .flatMap(({ name }) => {
      const json = attributes[name]
      const found = Array.isArray(json) ? json.map((item) => readEntity(item)) : [readEntity(json)]
      return found.filter((parent) => parent !== undefined)
    })
}

const targetsOf = ({ type }: AttributeType): readonly string[] => {
  const target = type.kind === 'set' ? type.of : type
  return target.kind === 'entity' ? target.types : []
}

function unknown(pointer: string, message: string, name: string, known: readonly string[]): EntityMistake {
  const nearest = suggest(name, known)
  const code = pointer === '' ? 'unknown_type' : 'unknown_attribute'
  return { pointer, code, message: `${message}${nearest === undefined ? '.' : `; did you mean ${nearest}?`}` }
}

function describe({ type }: AttributeType): string {
  switch (type.kind) {
    case 'enum':
      return `one of ${type.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'entity':
      return `{type, id} of ${type.types.join(' or ')}`
    case 'set':
      return 'a list'
    case 'time':
      return 'a time with its offset'
    default:
      return `a ${type.kind}`
  }
}
