import type * as ast from '../ast/nodes.ts'
import type { Builtin } from '../builtins/builtin.ts'
import { builtinMethod, methodsOf } from '../builtins/table.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { mayBeAbsent } from '../ir/walk.ts'
import type { EntityInfo } from '../resolve/environment.ts'
import { memberNames, namedMember } from '../resolve/named-member.ts'
import { sameType } from '../resolve/same-type.ts'
import type { At } from './at.ts'
import { isPresent, pathOf, remainingTypes } from './narrowing.ts'
import { typeText } from './type-text.ts'
import { checkAs, checkPresent, presentOr } from './values.ts'

type MemberNode = ast.Expr & { readonly kind: 'member' }

/**
 * `a.b`, `a?.b`, and built-ins without arguments. `declared`: the optionality as declared, whatever is known here, for `has`
 * and `??`.
 */
export function checkMember(node: MemberNode, at: At, declared = false): Expr | undefined {
  const action = actionName(node, at)
  if (action) return action
  const of = at.session.check(node.of, at)
  if (!of) return undefined
  if (!node.optional && !presentOr(of, at)) return undefined
  const found = memberOf(of, node.name, node.optional, at)
  if (found === 'unknown') return builtinProperty(of, node, at)
  return found && (declared ? found : narrowedTo(found, at))
}

/** `m["k"]`: optional, since a map promises no key (SPEC 4). */
export function checkIndex(node: ast.Expr & { kind: 'index' }, at: At, declared = false): Expr | undefined {
  const of = checkPresent(node.of, at)
  const key = checkAs(node.key, { kind: 'string' }, at)
  if (!of || !key) return undefined
  if (of.type.kind !== 'map') {
    at.session.reporter.report('F3005', node.span, `${typeText(of.type)} has no look-up by key`)
    return undefined
  }
  const expr: Expr = {
    kind: 'attribute',
    of,
    name: '',
    key,
    optional: true,
    safe: false,
    type: of.type.of,
    span: node.span,
  }
  return declared ? expr : narrowedTo(expr, at)
}

/** Facts about a path make an optional present and a union smaller. */
export function narrowedTo(expr: Expr, at: At): Expr {
  if (!at.known) return expr
  const path = pathOf(expr)
  const types = expr.type.kind === 'entity' ? remainingTypes(at.known, path) : undefined
  const type: Type = types ? { kind: 'entity', types } : expr.type
  const here = mayBeAbsent(expr) && isPresent(at.known, path)
  if (!here) return type === expr.type ? expr : { ...expr, type }
  if (expr.kind === 'attribute') return { ...expr, type, optional: false, safe: false }
  return expr.kind === 'variable' ? { ...expr, type, optional: false } : { ...expr, type }
}

/** A member of an entity or record, `unknown` if the type has none of that name (built-ins may). */
export function memberOf(of: Expr, name: ast.Name, safe: boolean, at: At): Expr | 'unknown' | undefined {
  const span = { ...of.span, end: name.span.end }
  const base = { kind: 'attribute', of, safe, span } as const
  if (of.type.kind === 'record') {
    const found = namedMember(of.type.fields, name.text)
    if (found) return { ...base, name: found.wire, optional: found.field.optional, type: found.field.type }
    if (of.kind === 'variable' && of.name === 'context') return unknownContext(name, of.type, at)
    return 'unknown'
  }
  if (of.type.kind !== 'entity') return 'unknown'
  const infos = infosOf(of.type.types, at)
  if (infos.length === 0) return 'unknown'
  const fields = infos.map((info) => info.attributes.get(name.text))
  const first = fields[0]
  if (fields.every((field) => field === undefined)) {
    if (name.text === 'organization') return throughChain(of, infos, safe, at) ?? unknownAttribute(of, name, at)
    return unknownAttribute(of, name, at)
  }
  const missing = infos.filter((_, index) => fields[index] === undefined)
  if (!first || missing.length > 0) {
    at.session.reporter.report(
      'F2003',
      name.span,
      `${missing.map((info) => info.name).join(', ')} has no attribute "${name.text}"`,
      {
        help: 'narrow the type first with `is`',
      },
    )
    return undefined
  }
  if (fields.some((field) => field && (!sameType(field.type, first.type) || field.name !== first.name))) {
    at.session.reporter.report('F3001', name.span, `"${name.text}" differs between ${typeText(of.type)}`, {
      help: 'narrow the type first with `is`',
    })
    return undefined
  }
  return { ...base, name: first.name, optional: fields.some((field) => field?.optional), type: first.type }
}

export const infosOf = (types: readonly string[], at: At): EntityInfo[] =>
  types.flatMap((type) => at.session.environment.entitiesByWire.get(type) ?? [])

/** `order.organization` is `order.store.organization`: the only chain of required links (SPEC 3). */
function throughChain(of: Expr, infos: readonly EntityInfo[], safe: boolean, at: At): Expr | undefined {
  const chain = infos[0]?.organizationPath
  if (!chain || chain.length === 0) return undefined
  if (infos.some((info) => info.organizationPath?.join('.') !== chain.join('.'))) return undefined
  return followPath(of, chain, safe, at)
}

/** A chain of attributes by source name. */
export function followPath(of: Expr, path: readonly string[], safe: boolean, at: At): Expr | undefined {
  let expr: Expr = of
  for (const [index, step] of path.entries()) {
    const next = memberOf(expr, { text: step, span: expr.span }, safe || (index > 0 && mayBeAbsent(expr)), at)
    if (!next || next === 'unknown') return undefined
    expr = next
  }
  return expr
}

function actionName(node: MemberNode, at: At): Expr | undefined {
  if (node.of.kind !== 'name' || node.of.name.text !== 'action' || !at.request || node.name.text !== 'name')
    return undefined
  if (at.locals.has('action')) return undefined
  const type: Type = { kind: 'enum', values: at.request.actions, ordered: false }
  return { kind: 'variable', name: 'action', scope: 'request', type, span: node.span }
}

function builtinProperty(of: Expr, node: MemberNode, at: At): Expr | undefined {
  const builtin = builtinMethod(of.type.kind, node.name.text)
  if (!builtin) return unknownAttribute(of, node.name, at)
  if (builtin.parameters > 0) {
    at.session.reporter.report('F3008', node.name.span, `"${node.name.text}" needs ${argumentCount(builtin)}`)
    return undefined
  }
  const type = builtin.signature([of.type])
  if (!type) return unknownAttribute(of, node.name, at)
  const call = { kind: 'call', name: builtin.name, type, span: node.span } as const
  // An absent receiver gives absent (SPEC 4.11).
  if (node.optional && mayBeAbsent(of)) return { ...call, args: [of], safe: true }
  const present = presentOr(of, at)
  return present && { ...call, args: [present] }
}

export const argumentCount = (builtin: Builtin): string =>
  builtin.parameters === 1 ? 'one argument' : `${builtin.parameters} arguments`

function unknownAttribute(of: Expr, name: ast.Name, at: At): undefined {
  const { reporter } = at.session
  if (of.type.kind === 'entity') {
    const infos = infosOf(of.type.types, at)
    if (infos.some((info) => info.relations.has(name.text))) {
      reporter.report('F3013', name.span, `"${name.text}" is a relation: its holders cannot be listed`, {
        help: `write \`… in x.${name.text}\``,
      })
      return undefined
    }
    const known = [...infos.flatMap((info) => [...info.attributes.keys()]), ...methodsOf('entity')]
    reporter.unknown('F2003', name, `unknown attribute "${name.text}" on ${typeText(of.type)}`, known)
    return undefined
  }
  const names = of.type.kind === 'record' ? memberNames(of.type.fields) : []
  const known = [...names, ...methodsOf(of.type.kind)]
  reporter.unknown('F2003', name, `unknown member "${name.text}" of ${typeText(of.type)}`, known)
  return undefined
}

function unknownContext(name: ast.Name, type: Type & { kind: 'record' }, at: At): undefined {
  const standard = at.place === 'fn' ? 'the standard context' : 'the context'
  at.session.reporter.unknown('F2003', name, `unknown member "${name.text}" of ${standard}`, memberNames(type.fields))
  return undefined
}
