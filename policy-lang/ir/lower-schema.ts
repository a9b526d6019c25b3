import type { Mark } from '../ast/nodes.ts'
import type { ActionInfo, EntityInfo, Environment } from '../resolve/environment.ts'
import { markText } from '../resolve/marks.ts'
import type { Span } from '../source/span.ts'
import { type ActionType, type AttributeType, actionKey, type EntityType, type RelationType } from './program.ts'

/** Entity types by wire name. */
export function lowerEntities(environment: Environment): Map<string, EntityType> {
  return sortedMap([...environment.entities.values()].map((info) => [info.wire, lowerEntity(info, environment)]))
}

/** Actions by `actionKey`. */
export function lowerActions(environment: Environment): Map<string, ActionType> {
  const actions = [...environment.actions.values()].flatMap((byName) => [...byName.values()])
  return sortedMap(actions.map((info) => [actionKey(info.wire, info.resource.wire), lowerAction(info, environment)]))
}

/** The same map whatever the order of files and items. */
export const sortedMap = <T>(entries: readonly (readonly [string, T])[]): Map<string, T> =>
  new Map([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))

function lowerEntity(info: EntityInfo, environment: Environment): EntityType {
  const attributes = [...info.attributes.values()].map(
    ({ name, type, optional, marks, link, span }): [string, AttributeType] => [
      name,
      { name, type, optional, link, span, ...(marks ? { marks } : {}) },
    ],
  )
  const relations = [...info.relations.values()].map((relation): [string, RelationType] => [
    relation.wire,
    relation.body
      ? { ...declared(relation.span, relation.node.marks), kind: 'computed', name: relation.wire, body: relation.body }
      : {
          ...declared(relation.span, relation.node.marks),
          kind: 'stored',
          name: relation.wire,
          role: relation.node.kind === 'storedRelation' && relation.node.role,
          holders: relation.holders ?? [],
        },
  ])
  const path = info.organizationPath && wirePath(info, info.organizationPath, environment)
  return {
    name: info.wire,
    span: info.span,
    ...(info.was === undefined ? {} : { was: info.was }),
    layer: info.layer,
    attributes: new Map(attributes),
    relations: new Map(relations),
    ...(path ? { organizationPath: path } : {}),
  }
}

/** A path of source names as wire names. */
function wirePath(info: EntityInfo, path: readonly string[], environment: Environment): string[] {
  let at: EntityInfo | undefined = info
  return path.map((step) => {
    const attribute = at?.attributes.get(step)
    at = attribute?.type.kind === 'entity' ? environment.entitiesByWire.get(attribute.type.types[0] ?? '') : undefined
    return attribute?.name ?? step
  })
}

function lowerAction(info: ActionInfo, environment: Environment): ActionType {
  return {
    name: info.wire,
    ...declared(info.span, info.item.names.length === 1 ? info.item.marks : []),
    resourceType: info.resource.wire,
    layer: info.unit.layer,
    subjects: info.subjects,
    via: info.via,
    arguments: Object.fromEntries(info.arguments),
    context: info.context ?? environment.standard.context,
    implies: info.implies.map((other) => other.wire).sort(),
    ...(info.scope === undefined ? {} : { scope: info.scope }),
  }
}

function declared(span: Span, marks: readonly Mark[]): { readonly span: Span; readonly was?: string } {
  const was = markText(marks, 'was')
  return was === undefined ? { span } : { span, was }
}
