import type * as ast from '../ast/nodes.ts'
import type { Builtin } from '../builtins/builtin.ts'
import { isFailure } from '../builtins/builtin.ts'
import { isZone } from '../builtins/local-time.ts'
import * as primitive from '../builtins/primitive-types.ts'
import { builtinMethod, methodsOf } from '../builtins/table.ts'
import { instantiate } from '../ir/instantiate.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { mayBeAbsent, sizeOf } from '../ir/walk.ts'
import { findAction } from '../resolve/actions.ts'
import type { Param } from '../resolve/environment.ts'
import { limits } from '../source/limits.ts'
import { type At, freshIn, ungroup } from './at.ts'
import { joined } from './fits.ts'
import { functionBody } from './functions.ts'
import { literal } from './literals.ts'
import { argumentCount, infosOf } from './members.ts'
import { visibleFn } from './names.ts'
import { typeText } from './type-text.ts'
import { checkPresent, hasType, presentOr } from './values.ts'

type CallNode = ast.Expr & { readonly kind: 'call' }

export function checkCall(node: CallNode, at: At, expected?: Type): Expr | undefined {
  const callee = ungroup(node.callee)
  if (callee.kind === 'member') return checkMethod(node, callee, at)
  if (callee.kind !== 'name') {
    at.session.reporter.report('F2006', node.callee.span, 'only a name can be called')
    return undefined
  }
  const name = callee.name
  if (name.text === 'attempt') return checkAttempt(node, at, expected)
  if (name.text === 'allowed') return checkAllowed(node, at)
  if (visibleFn(name.text, at.unit)) return callFunction(node, name, at)
  if (at.session.environment.externs.has(name.text)) return callExtern(node, name, at)
  const builtin = builtinMethod('name', name.text)
  if (builtin) return callConstructor(node, builtin, at)
  const known = [
    ...at.unit.space.fns.keys(),
    ...at.unit.imports.keys(),
    ...at.session.environment.externs.keys(),
    ...methodsOf('name'),
    'attempt',
  ]
  at.session.reporter.unknown('F2006', name, `unknown function "${name.text}"`, known)
  return undefined
}

/** `x.hour(zone)`: a built-in on a receiver. */
function checkMethod(node: CallNode, callee: ast.Expr & { kind: 'member' }, at: At): Expr | undefined {
  const receiver = callee.optional ? at.session.check(callee.of, at) : checkPresent(callee.of, at)
  if (!receiver) return undefined
  const { reporter } = at.session
  const builtin = builtinMethod(receiver.type.kind, callee.name.text)
  if (!builtin) {
    reporter.unknown(
      'F2006',
      callee.name,
      `${typeText(receiver.type)} has no built-in "${callee.name.text}"`,
      methodsOf(receiver.type.kind),
    )
    return undefined
  }
  if (builtin.parameters === 0) {
    reporter.report('F3008', node.span, `"${callee.name.text}" is written without parentheses`)
    return undefined
  }
  const wanted = builtin.expects?.(receiver.type)
  const args = node.args.map((arg) => checkPresent(arg, at, wanted))
  const present = args.filter((arg) => arg !== undefined)
  if (present.length < args.length) return undefined
  if (args.length !== builtin.parameters) {
    reporter.report('F3008', node.span, `"${callee.name.text}" takes ${argumentCount(builtin)}`)
    return undefined
  }
  const call = builtinCall(node, builtin, [receiver, ...present], at)
  // An absent receiver gives absent (SPEC 4.11).
  return call?.kind === 'call' && mayBeAbsent(receiver) ? { ...call, safe: true } : call
}

export function builtinCall(node: ast.Expr, builtin: Builtin, args: readonly Expr[], at: At): Expr | undefined {
  const { reporter } = at.session
  const type = builtin.signature(args.map((arg) => arg.type))
  if (!type) {
    const types = args.map((arg) => typeText(arg.type)).join(' and ')
    reporter.report('F3005', node.span, `"${builtin.method}" does not fit ${types}`)
    return undefined
  }
  for (const index of builtin.literals ?? []) {
    const arg = args[index]
    if (!arg || arg.kind === 'literal') continue
    reporter.report('F3009', arg.span, `"${builtin.method}" takes a literal here`)
    return undefined
  }
  const zone = args[1]
  if (
    args[0]?.type.kind === 'time' &&
    zone?.kind === 'literal' &&
    typeof zone.value === 'string' &&
    !isZone(zone.value)
  ) {
    reporter.report('F3010', zone.span, `unknown time zone "${zone.value}"`, {
      help: 'write a name like "Europe/Berlin"',
    })
    return undefined
  }
  return { kind: 'call', name: builtin.name, args, type, span: node.span }
}

/** `ip("…")` and `decimal("…")` become the value that they name. */
function callConstructor(node: CallNode, builtin: Builtin, at: At): Expr | undefined {
  const args = node.args.map((arg) => checkPresent(arg, at))
  const [text] = args
  if (args.length !== 1) {
    at.session.reporter.report('F3008', node.span, `"${builtin.method}" takes one argument`)
    return undefined
  }
  const call = text && builtinCall(node, builtin, [text], at)
  if (!call || text?.kind !== 'literal') return undefined
  const value = builtin.evaluate([text.value], call.type)
  if (!isFailure(value)) return literal(value, call.type, node.span)
  at.session.reporter.report(
    'F3010',
    text.span,
    `"${String(text.value)}" is no ${builtin.method === 'ip' ? 'address or range of addresses' : 'decimal'}`,
  )
  return undefined
}

function callFunction(node: CallNode, name: ast.Name, at: At): Expr | undefined {
  const { reporter } = at.session
  const info = visibleFn(name.text, at.unit)
  const params = info && functionBody(info, name.span, at.session)
  if (!info || !params) {
    for (const arg of node.args) at.session.check(arg, at)
    return undefined
  }
  const args = checkArguments(node, name.text, params, at)
  if (!args || !info.body) return undefined
  at.tally.size += sizeOf(info.body)
  if (at.tally.size > limits.nodesPerRule) {
    if (!at.tally.tooLarge)
      reporter.report(
        'F8101',
        name.span,
        `the functions that this rule calls expand to more than ${limits.nodesPerRule} nodes`,
      )
    at.tally.tooLarge = true
    return undefined
  }
  const bound = params.map((param, index) => ({
    name: param.name,
    value: args[index] ?? absent(param, node),
    optional: param.field.optional,
  }))
  return { ...instantiate(info.body, bound, freshIn(at.tally)), span: node.span }
}

/** An optional argument that is left out: an optional member of the empty record, absent in every executor. */
function absent(param: Param, node: CallNode): Expr {
  const empty: Type = { kind: 'record', fields: {} }
  const of: Expr = { kind: 'construct', fields: [], type: empty, span: node.span }
  return {
    kind: 'attribute',
    of,
    name: param.name,
    optional: true,
    safe: false,
    type: param.field.type,
    span: node.span,
  }
}

function callExtern(node: CallNode, name: ast.Name, at: At): Expr | undefined {
  const info = at.session.environment.externs.get(name.text)
  if (!info?.params || !info.returns) return undefined
  const args = checkArguments(node, name.text, info.params, at)
  if (!args) return undefined
  return { kind: 'extern', name: name.text, args, type: info.returns, span: node.span }
}

function checkArguments(node: CallNode, name: string, params: readonly Param[], at: At): Expr[] | undefined {
  const least = params.filter((param) => !param.field.optional).length
  if (node.args.length > params.length || node.args.length < least) {
    const takes = least === params.length ? `${least}` : `${least} to ${params.length}`
    at.session.reporter.report(
      'F3008',
      node.span,
      `"${name}" takes ${takes} ${takes === '1' ? 'argument' : 'arguments'}, not ${node.args.length}`,
    )
    return undefined
  }
  const args = node.args.map((arg, index) => {
    const param = params[index]
    if (!param) return undefined
    const value = at.session.check(arg, at, param.field.type)
    const expr = value && (param.field.optional ? value : presentOr(value, at))
    return expr && hasType(expr, param.field.type, arg.span, at) ? expr : undefined
  })
  const present = args.filter((arg) => arg !== undefined)
  return present.length === args.length ? present : undefined
}

/** `attempt(e, d)`: the only way to catch an error (SPEC 4). */
function checkAttempt(node: CallNode, at: At, expected?: Type): Expr | undefined {
  const [first, second] = node.args
  if (!first || !second || node.args.length > 2) {
    at.session.reporter.report('F3008', node.span, '`attempt` takes what may fail and what stands for it then')
    return undefined
  }
  const operand = checkPresent(first, at, expected)
  const otherwise = checkPresent(second, at, operand?.type ?? expected)
  if (!operand || !otherwise) return undefined
  const type = joined(operand.type, otherwise.type)
  if (type) return { kind: 'attempt', operand, otherwise, type, span: node.span }
  hasType(otherwise, operand.type, second.span, at)
  return undefined
}

/** `allowed(read, doc)` in proofs: would the subject be allowed? (SPEC 7, smt) */
function checkAllowed(node: CallNode, at: At): Expr | undefined {
  const { environment, reporter } = at.session
  if (at.place !== 'proof') {
    reporter.report('F3012', node.span, '`allowed` stands in proofs only')
    return undefined
  }
  const [first, second] = node.args
  const action = first && ungroup(first)
  if (action?.kind !== 'name' || !second || node.args.length > 2) {
    reporter.report('F3008', node.span, '`allowed` takes an action and a resource')
    return undefined
  }
  const resource = checkPresent(second, at)
  if (!resource) return undefined
  if (resource.type.kind !== 'entity') {
    reporter.report('F3001', second.span, `an entity is wanted here, and this is ${typeText(resource.type)}`)
    return undefined
  }
  const infos = infosOf(resource.type.types, at)
  const actions = infos.flatMap((info) => findAction(action.name, info, { environment, reporter }) ?? [])
  const [found] = actions
  if (!found || actions.length < infos.length) return undefined
  const name = literal(found.wire, primitive.string, action.span)
  return { kind: 'call', name: 'allowed', args: [name, resource], type: primitive.bool, span: node.span }
}
