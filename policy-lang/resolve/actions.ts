import type * as ast from '../ast/nodes.ts'
import type { FieldType } from '../ir/types.ts'
import type { ActionInfo, EntityInfo, Environment, RecordType, Unit } from './environment.ts'
import { checkMarks, wireName } from './marks.ts'
import type { Reporter } from './reporter.ts'
import { sameType } from './same-type.ts'
import { checkSpelling } from './spelling.ts'
import { entityTypesOf, fieldsOf } from './type-of-node.ts'

type Stage = { readonly environment: Environment; readonly reporter: Reporter }

/** Actions, their lists and their contexts. Every pair (name, resource type) is one action (SPEC 3). */
export function resolveActions(stage: Stage): void {
  const { environment } = stage
  const each = <K extends ast.Item['kind']>(kind: K, visit: (item: ast.Item & { kind: K }, unit: Unit) => void) => {
    for (const unit of environment.units)
      for (const item of unit.declarations) if (item.kind === kind) visit(item as ast.Item & { kind: K }, unit)
  }
  each('action', (item, unit) => {
    if (!item.extend) declareActions(item, unit, stage)
  })
  each('action', (item, unit) => {
    if (item.extend) extendActions(item, unit, stage)
  })
  for (const actions of environment.actions.values())
    for (const action of actions.values()) {
      resolveImplies(action, stage)
      action.context = contextOf(action, environment.standard.context)
    }
  each('actions', (item, unit) => declareList(item, unit, stage))
}

/** Resource types after `on`, in entity infos. */
export function resourcesOf(names: readonly ast.Name[], unit: Unit, { environment, reporter }: Stage): EntityInfo[] {
  const infos = new Set<EntityInfo>()
  for (const name of names)
    for (const wire of entityTypesOf(name, { environment, unit, reporter }) ?? []) {
      const info = environment.entitiesByWire.get(wire)
      if (info) infos.add(info)
      else reporter.report('F3001', name.span, `"${wire}" cannot be a resource`)
    }
  return [...infos]
}

function declareActions(item: ast.ActionItem, unit: Unit, stage: Stage): void {
  const { environment, reporter } = stage
  const at = { environment, unit, reporter }
  checkMarks(item.marks, 'action', reporter)
  if (item.names.length > 1 && item.marks.length > 0)
    reporter.report('F2014', item.span, 'a mark on several actions at once', {
      help: 'declare the marked action alone',
    })
  const subjects = subjectsOf(item, stage, unit)
  const via = (item.via ?? []).flatMap((name) => entityTypesOf(name, at) ?? [])
  const args = fieldsOf(item.with ?? [], 'argument', at)
  checkStandardNames(item, args, stage)
  for (const resource of resourcesOf(item.on, unit, stage))
    for (const name of item.names) {
      checkSpelling(name, reporter)
      const actions = environment.actions.get(resource.name) ?? new Map<string, ActionInfo>()
      environment.actions.set(resource.name, actions)
      const first = actions.get(name.text)
      if (first) {
        reporter.report('F2010', name.span, `the action "${name.text}" on ${resource.name} is declared twice`, {
          notes: [{ message: 'first declared here', span: first.span }],
        })
        continue
      }
      actions.set(name.text, {
        name: name.text,
        wire: item.names.length > 1 ? name.text : wireName(name, item.marks),
        resource,
        unit,
        item,
        span: name.span,
        subjects,
        via: [...new Set(via)].sort(),
        ...(item.scope ? { scope: item.scope.value } : {}),
        arguments: new Map(args),
        implies: [],
      })
    }
}

/** An argument named like standard context has its type and makes it required (SPEC 3). */
function checkStandardNames(
  item: ast.ActionItem,
  args: ReadonlyMap<string, FieldType>,
  { environment, reporter }: Stage,
) {
  const standard = environment.standard.context.fields
  for (const node of item.with ?? []) {
    // On the wire they share one object: what counts is the name there.
    const wire = wireName(node.name, node.marks)
    const own = args.get(wire)
    const field = Object.hasOwn(standard, wire) ? standard[wire] : undefined
    if (own && field && !sameType(own.type, field.type))
      reporter.report('F3001', node.type.span, `"${node.name.text}" has another type in the standard context`)
  }
}

function subjectsOf(item: ast.ActionItem, { environment, reporter }: Stage, unit: Unit): readonly string[] | 'anyone' {
  if (!item.by || item.by.length === 0) {
    reporter.report('F4003', item.names[0]?.span ?? item.span, `the action does not say who may ask for it`, {
      help: 'add `by User` or `by anyone`',
    })
    return []
  }
  const types = new Set<string>()
  for (const node of item.by) {
    if (node.kind === 'anyone') return 'anyone'
    for (const type of entityTypesOf(node.name, { environment, unit, reporter }) ?? []) types.add(type)
  }
  return [...types].sort()
}

function extendActions(item: ast.ActionItem, unit: Unit, stage: Stage): void {
  const { environment, reporter } = stage
  const at = { environment, unit, reporter }
  const refuse = (what: string) =>
    reporter.report('F5005', item.span, `an extension cannot change \`${what}\` of an action`)
  if (item.by) refuse('by')
  if (item.scope) refuse('scope')
  if (item.implies) refuse('implies')
  const args = fieldsOf(item.with ?? [], 'argument', at)
  const via = (item.via ?? []).flatMap((name) => entityTypesOf(name, at) ?? [])
  checkStandardNames(item, args, stage)
  for (const node of item.with ?? [])
    if (!node.optional)
      reporter.report('F5005', node.name.span, `an extension can add only optional arguments`, {
        help: `write \`${node.name.text}?:\``,
      })
  for (const resource of resourcesOf(item.on, unit, stage))
    for (const name of item.names) {
      const action = findAction(name, resource, stage)
      if (!action) continue
      action.via = [...new Set([...action.via, ...via])].sort()
      for (const [key, field] of args) {
        if (action.arguments.has(key))
          reporter.report('F2010', name.span, `the argument "${key}" of "${name.text}" is declared twice`)
        else action.arguments.set(key, field)
      }
    }
}

export function findAction(
  name: ast.Name,
  resource: EntityInfo,
  { environment, reporter }: Stage,
): ActionInfo | undefined {
  const actions = environment.actions.get(resource.name)
  const action = actions?.get(name.text)
  if (action) return action
  const known = [...(actions?.keys() ?? []), ...(environment.actionLists.get(resource.name)?.keys() ?? [])]
  reporter.unknown('F2004', name, `unknown action "${name.text}" on ${resource.name}`, known)
  return undefined
}

function resolveImplies(action: ActionInfo, stage: Stage): void {
  for (const name of action.item.implies ?? []) {
    const implied = findAction(name, action.resource, stage)
    if (implied && !action.implies.includes(implied)) action.implies.push(implied)
  }
}

function contextOf(action: ActionInfo, standard: RecordType): RecordType {
  const args = [...action.arguments].map(([name, field]): [string, FieldType] => {
    const own = Object.hasOwn(standard.fields, name) ? standard.fields[name] : undefined
    // An argument may make standard context required, never optional (SPEC 3).
    return [name, own && !own.optional ? { ...field, optional: false } : field]
  })
  return { kind: 'record', fields: { ...standard.fields, ...Object.fromEntries(args) } }
}

function declareList(item: ast.ActionsItem, unit: Unit, stage: Stage): void {
  const { environment, reporter } = stage
  checkSpelling(item.name, reporter)
  for (const resource of resourcesOf(item.on, unit, stage)) {
    const lists = environment.actionLists.get(resource.name) ?? new Map()
    environment.actionLists.set(resource.name, lists)
    const first = environment.actions.get(resource.name)?.get(item.name.text) ?? lists.get(item.name.text)
    if (first) {
      reporter.report('F2010', item.name.span, `"${item.name.text}" on ${resource.name} is declared twice`, {
        notes: [{ message: 'first declared here', span: first.span }],
      })
      continue
    }
    const members = item.members.flatMap((name) => findAction(name, resource, stage) ?? [])
    lists.set(item.name.text, { name: item.name.text, span: item.name.span, members })
  }
}
