import type * as ast from '../ast/nodes.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Expectation } from '../ir/program.ts'
import { findAction } from '../resolve/actions.ts'
import type { ActionInfo, EntityInfo } from '../resolve/environment.ts'
import { memberNames, namedMember } from '../resolve/named-member.ts'
import { suggest } from '../source/suggest.ts'
import type { At } from './at.ts'
import { fieldPath } from './fields.ts'
import { testEntity, testValue } from './test-values.ts'

/** Ids of the rules of a set; `all` in their order. */
export type RuleIds = { readonly has: (id: string) => boolean; readonly all: () => readonly string[] }

type Decision = Expectation & { readonly kind: 'decision' }

const anonymous: EntityValue = { kind: 'entity', type: 'Anonymous', id: '' }

/** `expect allow|deny actions on r by s …`; every clause after it is exact (SPEC 9). */
export function checkExpectation(
  step: ast.TestStep & { kind: 'expect' },
  at: At,
  rules: RuleIds,
): Decision | undefined {
  const resource = testEntity(step.resource, at)
  const info = resource && at.session.environment.entitiesByWire.get(resource.type)
  const subject = subjectOf(step.subject, at)
  const actions = info && actionsOf(step.actions, info, at)
  const context = actions && contextOf(step.with ?? [], actions, at)
  if (!resource || !info || !subject || !actions || !context) return undefined
  const clauses = clausesOf(step, info, at, rules)
  return {
    kind: 'decision',
    decision: step.decision === 'allow',
    actions: actions.map((action) => action.wire),
    subject,
    resource,
    context,
    span: step.span,
    ...clauses,
  }
}

/** `expect list action on T by s is […]` */
export function checkListExpectation(step: ast.TestStep & { kind: 'expectList' }, at: At): Expectation | undefined {
  const { environment, reporter } = at.session
  const info = environment.entities.get(step.type.text)
  if (!info) reporter.unknown('F2001', step.type, `unknown type "${step.type.text}"`, environment.entities.keys())
  const action = info && findAction(step.action, info, { environment, reporter })
  const subject = subjectOf(step.subject, at)
  const context = action && contextOf(step.with ?? [], [action], at)
  const is = step.is.map((node) => testEntity(node, at))
  const found = is.filter((entity) => entity !== undefined)
  if (!info || !action || !subject || !context || found.length < is.length) return undefined
  for (const [index, entity] of found.entries())
    if (entity.type !== info.wire)
      reporter.report('F6003', step.is[index]?.span ?? step.span, `a list of ${info.name} holds no ${entity.type}`)
  return { kind: 'list', action: action.wire, type: info.wire, subject, context, is: found, span: step.span }
}

const subjectOf = (node: ast.Expr | 'anonymous', at: At): EntityValue | undefined =>
  node === 'anonymous' ? anonymous : testEntity(node, at)

function actionsOf(names: readonly ast.Name[], info: EntityInfo, at: At): ActionInfo[] | undefined {
  const { environment, reporter } = at.session
  const actions: ActionInfo[] = []
  let whole = true
  for (const name of names) {
    const list = environment.actionLists.get(info.name)?.get(name.text)
    for (const action of list ? list.members : [findAction(name, info, { environment, reporter })]) {
      if (action) actions.push(action)
      else whole = false
    }
  }
  return whole ? actions : undefined
}

/** Arguments and standard context; `now` is the test's own. What is left out is missing and fails where it is read. */
function contextOf(
  args: readonly ast.NamedArgument[],
  actions: readonly ActionInfo[],
  at: At,
): ReadonlyMap<string, Value> | undefined {
  const { reporter } = at.session
  const context = new Map<string, Value>()
  let whole = true
  for (const { name, value } of args) {
    const [member] = actions.flatMap((action) => namedMember(action.context?.fields ?? {}, name.text) ?? [])
    if (!member) {
      const known = actions.flatMap((action) => memberNames(action.context?.fields ?? {}))
      reporter.unknown(
        'F2003',
        name,
        `no argument "${name.text}" of ${actions.map((action) => `"${action.name}"`).join(', ')}`,
        new Set(known),
      )
      whole = false
      continue
    }
    if (name.text === 'now') {
      reporter.report('F6002', name.span, '`now` of a test is its `at`')
      whole = false
      continue
    }
    if (context.has(member.wire)) reporter.report('F2010', name.span, `"${name.text}" stands twice`)
    const found = testValue(value, member.field.type, at)
    if (found === undefined) whole = false
    else context.set(member.wire, found)
  }
  return whole ? context : undefined
}

function clausesOf(
  step: ast.TestStep & { kind: 'expect' },
  info: EntityInfo,
  at: At,
  rules: RuleIds,
): Pick<Decision, 'from' | 'fields' | 'advises' | 'failing'> {
  const { environment, reporter } = at.session
  const ids = (names: readonly ast.StringLiteral[]) => {
    for (const { value, span } of names) {
      if (rules.has(value)) continue
      const near = suggest(value, rules.all())
      reporter.report(
        'F2008',
        span,
        `no rule has the id "${value}"`,
        near === undefined ? {} : { help: `did you mean "${near}"?` },
      )
    }
    return [...new Set(names.map((name) => name.value))].sort()
  }
  for (const name of step.advises ?? [])
    if (!environment.advice.has(name.text))
      reporter.unknown('F2007', name, `unknown advice "${name.text}"`, environment.advice.keys())
  const fields = step.fields?.flatMap((path) => fieldPath(path, info, reporter) ?? [])
  return {
    ...(step.from ? { from: ids(step.from) } : {}),
    ...(fields ? { fields: [...new Set(fields)].sort() } : {}),
    ...(step.advises ? { advises: [...new Set(step.advises.map((name) => name.text))].sort() } : {}),
    ...(step.failing ? { failing: ids(step.failing) } : {}),
  }
}
