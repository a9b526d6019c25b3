import type * as ast from '../ast/nodes.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { FieldType, Type } from '../ir/types.ts'
import { limits } from '../source/limits.ts'
import type { AliasInfo, Environment, Unit } from './environment.ts'
import { checkMarks, fieldMarks, type MarkPlace, wireName } from './marks.ts'
import type { Reporter } from './reporter.ts'
import { checkSpelling } from './spelling.ts'

const primitives: ReadonlyMap<string, Type> = new Map([
  ['Bool', primitive.bool],
  ['Int', primitive.int],
  ['Decimal', primitive.decimal],
  ['String', primitive.string],
  ['Time', primitive.time],
  ['Duration', primitive.duration],
  ['Ip', primitive.ip],
])

export const builtinTypeNames: ReadonlySet<string> = new Set([...primitives.keys(), 'Set', 'Map', 'Anonymous'])

export type Resolving = {
  readonly environment: Environment
  readonly unit: Unit
  readonly reporter: Reporter
  readonly depth?: number
}

/** The type that a node names; undefined after a reported mistake. */
export function typeOfNode(node: ast.TypeNode, at: Resolving): Type | undefined {
  switch (node.kind) {
    case 'namedType':
      return namedType(node.name, at)
    case 'genericType':
      return genericType(node, at)
    case 'enumType':
      return enumType(node, at.reporter)
    case 'recordType':
      return recordType(node, at)
    case 'unionType':
      return unionType(node, at)
  }
}

/** Entity types are the whole tenant's; aliases belong to a module and come by import (SPEC 6). */
export function namedType(name: ast.Name, at: Resolving): Type | undefined {
  const simple = primitives.get(name.text)
  if (simple) return simple
  if (name.text === 'Anonymous') return { kind: 'entity', types: ['Anonymous'] }
  const alias = visibleAlias(name.text, at.unit)
  if (alias) return aliasType(alias, at)
  const entity = at.environment.entities.get(name.text)
  if (entity) return { kind: 'entity', types: [entity.wire] }
  const known = [
    ...primitives.keys(),
    ...at.environment.entities.keys(),
    ...at.unit.space.aliases.keys(),
    ...at.unit.imports.keys(),
  ]
  at.reporter.unknown('F2001', name, `unknown type "${name.text}"`, known)
  return undefined
}

const visibleAlias = (name: string, unit: Unit): AliasInfo | undefined =>
  unit.space.aliases.get(name) ?? unit.imports.get(name)?.aliases.get(name)

export function aliasType(alias: AliasInfo, at: Resolving): Type | undefined {
  if (alias.state === 'open') {
    at.reporter.report('F2015', alias.item.name.span, `the type "${alias.item.name.text}" contains itself`)
    return undefined
  }
  if (alias.state === 'new') {
    alias.state = 'open'
    const depth = (at.depth ?? 0) + 1
    const isDeep = depth > limits.declarationDepth
    const found = isDeep ? undefined : typeOfNode(alias.item.type, { ...at, unit: alias.unit, depth })
    const isWide = found !== undefined && !isSmall(found)
    if (isDeep || isWide)
      at.reporter.report(
        'F8103',
        alias.item.name.span,
        `the type "${alias.item.name.text}" has more than ${limits.partsOfType} parts or ${limits.declarationDepth} levels`,
      )
    const type = isWide ? undefined : found
    if (type) alias.type = type.kind === 'enum' ? { ...type, name: alias.item.name.text } : type
    alias.state = 'done'
  }
  return alias.type
}

/** Expanded types are walked as trees, so they are kept small; their parts have been counted before. */
function isSmall(type: Type): boolean {
  const open: [Type, number][] = [[type, 1]]
  let parts = 0
  for (let next = open.pop(); next; next = open.pop()) {
    const [part, level] = next
    parts += 1
    if (parts > limits.partsOfType || level > limits.declarationDepth) return false
    if (part.kind === 'set' || part.kind === 'map') open.push([part.of, level + 1])
    if (part.kind === 'record') for (const field of Object.values(part.fields)) open.push([field.type, level + 1])
  }
  return true
}

/** An entity type by name, aliases of unions included; for `on`, `by`, `to`, `is`. */
export function entityTypesOf(name: ast.Name, at: Resolving): readonly string[] | undefined {
  const type = namedType(name, at)
  if (!type) return undefined
  if (type.kind === 'entity') return type.types
  at.reporter.report('F3001', name.span, `"${name.text}" is no entity type`)
  return undefined
}

/** Named fields of a record, an argument list or parameters. */
export function fieldsOf(nodes: readonly ast.FieldNode[], place: MarkPlace, at: Resolving): Map<string, FieldType> {
  const fields = new Map<string, FieldType>()
  const names = new Set<string>()
  for (const node of nodes) {
    checkMarks(node.marks, place, at.reporter)
    if (!node.marks.some((mark) => mark.name.text === 'wire')) checkSpelling(node.name, at.reporter)
    const wire = place === 'none' ? node.name.text : wireName(node.name, node.marks)
    if (names.has(node.name.text) || fields.has(wire)) {
      const taken = names.has(node.name.text)
        ? `"${node.name.text}" is declared twice`
        : `the wire name "${wire}" is taken`
      at.reporter.report('F2010', node.name.span, taken)
      continue
    }
    names.add(node.name.text)
    const type = typeOfNode(node.type, at)
    if (!type) continue
    const marks = fieldMarks(node.marks)
    const spelled = wire === node.name.text ? {} : { spelled: node.name.text }
    fields.set(wire, { type, optional: node.optional, ...(marks ? { marks } : {}), ...spelled })
  }
  return fields
}

function genericType(node: ast.TypeNode & { kind: 'genericType' }, at: Resolving): Type | undefined {
  const of = typeOfNode(node.argument, at)
  if (!of) return undefined
  if (node.name.text === 'Set') return { kind: 'set', of }
  if (node.name.text === 'Map') return { kind: 'map', of }
  at.reporter.unknown('F2001', node.name, `unknown type "${node.name.text}<…>"`, ['Set', 'Map'])
  return undefined
}

function enumType(node: ast.TypeNode & { kind: 'enumType' }, reporter: Reporter): Type {
  const values = new Set<string>()
  for (const { value, span } of node.values) {
    if (values.has(value)) reporter.report('F2010', span, `the value "${value}" stands twice in its enum`)
    values.add(value)
  }
  return { kind: 'enum', values: [...values], ordered: node.ordered }
}

function recordType(node: ast.TypeNode & { kind: 'recordType' }, at: Resolving): Type {
  return { kind: 'record', fields: Object.fromEntries(fieldsOf(node.fields, 'attribute', at)) }
}

function unionType(node: ast.TypeNode & { kind: 'unionType' }, at: Resolving): Type | undefined {
  const types = new Set<string>()
  for (const member of node.members) {
    const type = typeOfNode(member, at)
    if (!type) return undefined
    if (type.kind !== 'entity') {
      at.reporter.report('F3001', member.span, 'a union joins entity types only')
      return undefined
    }
    for (const name of type.types) types.add(name)
  }
  return { kind: 'entity', types: [...types].sort() }
}
