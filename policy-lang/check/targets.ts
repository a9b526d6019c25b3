import type * as ast from '../ast/nodes.ts'
import type { FieldType } from '../ir/types.ts'
import { findAction, resourcesOf } from '../resolve/actions.ts'
import type { ActionInfo, EntityInfo, Environment, RecordType, Unit } from '../resolve/environment.ts'
import type { Reporter } from '../resolve/reporter.ts'
import { sameType } from '../resolve/same-type.ts'

/** What a rule is about: every action it names on every resource type. */
export type Targets = {
  readonly actions: readonly ActionInfo[]
  readonly resources: readonly EntityInfo[]
  /** Wire names of the subjects that any of the actions accepts. */
  readonly subjects: readonly string[]
  /** The members of context that all the actions have. */
  readonly context: RecordType
}

type Stage = { readonly environment: Environment; readonly reporter: Reporter }
type Aimed = {
  readonly actions: ast.ActionsRef
  readonly resource?: ast.ResourcePattern
  readonly span: ast.Item['span']
}

/** `any` is every action of the types, bound at compile time; `on` may be missing only after it (SPEC 3). */
export function targetsOf(aimed: Aimed, unit: Unit, stage: Stage): Targets | undefined {
  const { environment, reporter } = stage
  // The grammar lets `on` be missing only after `any`.
  const resources = aimed.resource
    ? resourcesOf(aimed.resource.types, unit, stage)
    : [...environment.entities.values()].filter((info) => environment.actions.has(info.name))
  if (aimed.resource && resources.length === 0) return undefined
  const found = new Set<ActionInfo>()
  let whole = true
  for (const resource of resources) {
    if (aimed.actions.kind === 'anyAction') {
      for (const action of environment.actions.get(resource.name)?.values() ?? []) found.add(action)
      continue
    }
    for (const name of aimed.actions.names) {
      const list = environment.actionLists.get(resource.name)?.get(name.text)
      const members = list ? list.members : [findAction(name, resource, stage)]
      for (const action of members) {
        if (action) found.add(action)
        else whole = false
      }
    }
  }
  if (!whole) return undefined
  const actions = [...found]
  if (actions.length === 0) {
    const names = resources.map((info) => info.name).join(', ')
    reporter.report('F2004', aimed.actions.span, `no action is declared on ${names || 'any type'}`)
    return undefined
  }
  return { actions, resources, subjects: subjectsOf(actions, environment), context: sharedContext(actions) }
}

export function subjectsOf(actions: readonly ActionInfo[], environment: Environment): readonly string[] {
  const everyone = environment.standard.everySubject.types
  if (actions.some((action) => action.subjects === 'anyone')) return everyone
  const [first] = actions
  if (actions.length === 1 && first && first.subjects !== 'anyone') return first.subjects
  return [...new Set(actions.flatMap((action) => action.subjects))].sort()
}

/** Members that every action has with one type; optional where one action has them so. */
function sharedContext(actions: readonly ActionInfo[]): RecordType {
  const [first, ...rest] = actions
  const own: RecordType = first?.context ?? { kind: 'record', fields: {} }
  if (rest.every((action) => action.arguments.size === 0) && first?.arguments.size === 0) return own
  if (rest.length === 0) return own
  const fields: [string, FieldType][] = []
  for (const [name, field] of Object.entries(own.fields)) {
    const others = rest.map((action) =>
      action.context && Object.hasOwn(action.context.fields, name) ? action.context.fields[name] : undefined,
    )
    if (others.some((other) => !other || !sameType(other.type, field.type))) continue
    const optional = field.optional || others.some((other) => other?.optional)
    fields.push([name, optional === field.optional ? field : { ...field, optional }])
  }
  return { kind: 'record', fields: Object.fromEntries(fields) }
}
