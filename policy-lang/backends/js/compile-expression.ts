import { type Builtin, isFailure } from '../../builtins/builtin.ts'
import { builtinByName } from '../../builtins/table.ts'
import type { Expr, Value } from '../../ir/nodes.ts'
import type { ActionType, Program } from '../../ir/program.ts'
import type { Type } from '../../ir/types.ts'
import { orderedEnum } from '../../runtime/evaluate.ts'
import { type RelationPlans, slotOf } from './relation-plan.ts'

/**
 * JavaScript for expressions. Text of policies never becomes code: values travel in `constants`, names are generated
 * (SPEC 7, js). A value is what it is in IR, but an entity is its `Node` and a set of entities an array of them; absent is
 * `undefined`; an E throws `bail`.
 */
export type Emitter = {
  readonly program: Program
  readonly action: ActionType
  /** Static types of the request: one compilation for each pair. */
  readonly subjectType: string
  readonly resourceType: string
  readonly constants: unknown[]
  /** Names of constants that may be shared. */
  readonly places: Map<unknown, string>
  /** Names of temporaries to declare. */
  readonly temporaries: string[]
  readonly locals: Map<string, string>
  /** Constants that differ from rule to rule of one shape: places in the row's own array. */
  readonly holes: Map<Expr, number>
  readonly plans: RelationPlans
  /** The action that the rule sees. */
  as: string
}

/** An emitter that has written nothing yet. */
export const createEmitter = (
  about: Pick<Emitter, 'program' | 'action' | 'subjectType' | 'resourceType' | 'plans'>,
): Emitter => ({
  ...about,
  constants: [],
  places: new Map(),
  temporaries: [],
  locals: new Map(),
  holes: new Map(),
  as: about.action.name,
})

/** What the backend does not say in JavaScript; the interpreter serves the partition. */
export class Unsupported extends Error {}

export function emit(expr: Expr, to: Emitter): string {
  switch (expr.kind) {
    case 'literal': {
      const hole = to.holes.get(expr)
      return hole === undefined ? emitLiteral(expr.value, expr.type, to) : asNode(`k[${hole}]`, expr.type)
    }
    case 'variable':
      return emitVariable(expr, to)
    case 'let': {
      const name = temporary(to)
      to.locals.set(expr.name, name)
      return `(${name}=${emit(expr.value, to)},${emit(expr.body, to)})`
    }
    case 'attribute':
      return emitAttribute(expr, to)
    case 'has':
      return `(${emit(expr.of, to)}!==undefined)`
    case 'coalesce':
      return `(${emit(expr.left, to)}??${emit(expr.right, to)})`
    case 'not': {
      const operand = emit(expr.operand, to)
      return operand === 'true' ? 'false' : operand === 'false' ? 'true' : `!${operand}`
    }
    case 'and':
      return joined(expr.operands, '&&', to)
    case 'or':
      return joined(expr.operands, '||', to)
    case 'if':
      return `(${emit(expr.test, to)}?${emit(expr.then, to)}:${emit(expr.otherwise, to)})`
    case 'compare':
      return emitCompare(expr, to)
    case 'in':
      return emitIn(expr, to)
    case 'holds':
      return emitHolds(expr, to)
    case 'permitted':
      return `h.permitted(run,g,s,${constant(to.as, to)},r,${emit(expr.of, to)})`
    case 'isType':
      return emitIsType(expr, to)
    case 'call':
      return emitCall(expr, to)
    case 'extern': {
      const declared = to.program.externs.get(expr.name)
      if (!declared) throw new Unsupported()
      const args = expr.args.map((arg) => asValue(emit(arg, to), arg.type))
      return asNode(`h.extern(run,${constant(declared, to)},[${args}])`, expr.type)
    }
    case 'quantifier': {
      const over = emit(expr.over, to)
      const name = `x${to.constants.length}_${to.locals.size}`
      to.locals.set(expr.variable, name)
      const items = isEntitySet(expr.over.type) ? over : `h.items(${over})`
      return `h.${expr.quantifier}(run,${items},(${name})=>${emit(expr.body, to)})`
    }
    case 'construct':
      return emitConstruct(expr, to)
    case 'attempt':
      if (!isSafeToCatch(expr.operand)) throw new Unsupported()
      return `h.attempt(()=>${emit(expr.operand, to)},()=>${emit(expr.otherwise, to)})`
  }
}

/** A conjunction. */
export function emitAll(conjuncts: readonly Expr[], to: Emitter): string {
  return joined(conjuncts, '&&', to)
}

/** A place in the constants, by generated name; equal texts and numbers share one. */
export function constant(value: unknown, to: Emitter): string {
  const isShared = typeof value === 'string' || typeof value === 'number'
  const known = isShared ? to.places.get(value) : undefined
  if (known !== undefined) return known
  const name = `c${to.constants.length}`
  to.constants.push(value)
  if (isShared) to.places.set(value, name)
  return name
}

type Kind<Name extends Expr['kind']> = Expr & { readonly kind: Name }

function temporary(to: Emitter): string {
  const name = `t${to.temporaries.length}`
  to.temporaries.push(name)
  return name
}

function joined(operands: readonly Expr[], operator: '&&' | '||', to: Emitter): string {
  const neutral = operator === '&&' ? 'true' : 'false'
  const decisive = operator === '&&' ? 'false' : 'true'
  const parts = operands.map((operand) => emit(operand, to)).filter((part) => part !== neutral)
  if (parts.includes(decisive)) return decisive
  return parts.length === 0 ? neutral : parts.length === 1 ? (parts[0] ?? neutral) : `(${parts.join(operator)})`
}

function emitLiteral(value: Value, type: Type, to: Emitter): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value < 0 ? `(${value})` : String(value)
  return asNode(constant(value, to), type)
}

function emitVariable(expr: Kind<'variable'>, to: Emitter): string {
  if (expr.scope === 'local') {
    const name = to.locals.get(expr.name)
    if (name === undefined) throw new Unsupported()
    return name
  }
  if (expr.name === 'subject') return 's'
  if (expr.name === 'resource') return 'r'
  if (expr.name === 'action') return constant(to.as, to)
  throw new Unsupported()
}

/** The id of an entity: of an attribute without going to its node. */
export function emitId(expr: Expr, to: Emitter): string {
  const owner = expr.kind === 'attribute' && expr.of.kind === 'variable' ? staticType(expr.of, to) : undefined
  if (owner === undefined || expr.kind !== 'attribute') return `h.idOf(${emit(expr, to)})`
  const slot = slotOf(to.program, owner, expr.name)
  const value = `${emit(expr.of, to)}.values[${slot}]`
  return slot < 0 ? 'undefined' : expr.optional ? `${value}?.id` : `q(${value}).id`
}

/** The one type that an entity expression has in this partition, if it is one. */
function staticType(expr: Expr, to: Emitter): string | undefined {
  if (expr.kind === 'variable' && expr.scope === 'request') {
    if (expr.name === 'subject') return to.subjectType
    if (expr.name === 'resource') return to.resourceType
  }
  return expr.type.kind === 'entity' && expr.type.types.length === 1 ? expr.type.types[0] : undefined
}

function emitAttribute(expr: Kind<'attribute'>, to: Emitter): string {
  const code = emitMember(expr, to)
  if (expr.optional) return code
  // SPEC 5.5: `a?.b` is absent where `a` is, and E where `a` is there and its required `b` is not.
  return expr.safe && mayBeAbsent(expr.of) ? `(${emit(expr.of, to)}===undefined?undefined:q(${code}))` : `q(${code})`
}

function emitMember(expr: Kind<'attribute'>, to: Emitter): string {
  const { of } = expr
  if (of.kind === 'variable' && of.scope === 'request' && of.name === 'context') return emitContext(expr, to)
  if (of.type.kind === 'entity') return emitEntityMember(expr, to)
  const inner = emit(of, to)
  if (of.type.kind === 'map') {
    if (!expr.key) throw new Unsupported()
    return asNode(`h.entry(${inner},${emit(expr.key, to)})`, expr.type)
  }
  return asNode(`h.member(${inner},${constant(expr.name, to)})`, expr.type)
}

function emitContext(expr: Kind<'attribute'>, to: Emitter): string {
  if (expr.name === 'now') return 'now'
  const read = `ctx.get(${constant(expr.name, to)})`
  const isStandard = expr.name === 'scopes' || expr.name === 'priorActors'
  if (isStandard && to.action.arguments[expr.name] === undefined) {
    return asNode(`(${read}??${constant({ kind: 'set', items: [] }, to)})`, expr.type)
  }
  return asNode(read, expr.type)
}

function emitEntityMember(expr: Kind<'attribute'>, to: Emitter): string {
  const type = staticType(expr.of, to)
  const inner = emit(expr.of, to)
  const form = expr.type.kind === 'entity' ? 'ref' : isEntitySet(expr.type) ? 'refs' : 'value'
  if (type === undefined) return `h.${form}Named(g,${inner},${constant(expr.name, to)})`
  const slot = slotOf(to.program, type, expr.name)
  if (slot < 0) return 'undefined'
  if (mayBeAbsent(expr.of)) return `h.${form}At(g,${inner},${slot})`
  if (form === 'ref') return `g.ref(${inner},${slot})`
  return form === 'refs' ? `h.refsAt(g,${inner},${slot})` : `${inner}.values[${slot}]`
}

/** May this expression yield absent? Then what compares with it must look. */
export function mayBeAbsent(expr: Expr): boolean {
  switch (expr.kind) {
    case 'attribute':
      return expr.optional || expr.safe
    case 'variable':
      return expr.scope === 'local'
    case 'let':
      return mayBeAbsent(expr.body)
    case 'coalesce':
      return mayBeAbsent(expr.right)
    case 'if':
      return mayBeAbsent(expr.then) || mayBeAbsent(expr.otherwise)
    case 'attempt':
      return mayBeAbsent(expr.operand) || mayBeAbsent(expr.otherwise)
    case 'call':
      return expr.safe === true
    default:
      return false
  }
}

function emitCompare(expr: Kind<'compare'>, to: Emitter): string {
  const [left, right] = [emit(expr.left, to), emit(expr.right, to)]
  if (expr.op === 'eq') return emitEquality(expr, left, right, to)
  const operator = expr.op === 'lt' ? '<' : '<='
  const order = orderedEnum(expr)
  if (order) {
    const positions = constant(new Map(order.map((value, index) => [value, index])), to)
    return `(q(${positions}.get(${left}))${operator}q(${positions}.get(${right})))`
  }
  const isText = [expr.left.type.kind, expr.right.type.kind].some((kind) => kind === 'string' || kind === 'enum')
  return isText ? `(h.order(q(${left}),q(${right}))${operator}0)` : `(q(${left})${operator}q(${right}))`
}

function emitEquality(expr: Kind<'compare'>, left: string, right: string, to: Emitter): string {
  const { kind } = expr.left.type
  if (kind === 'entity' || expr.right.type.kind === 'entity') {
    // By its id: no node is looked for.
    if (expr.right.kind === 'literal') return `h.isEntity(${left},${entityConstant(expr.right, to)})`
    if (expr.left.kind === 'literal') return `h.isEntity(${right},${entityConstant(expr.left, to)})`
    return `h.same(${left},${right})`
  }
  if (kind === 'set' || kind === 'map' || kind === 'record' || kind === 'ip') {
    return `h.equal(${asValue(left, expr.left.type)},${asValue(right, expr.right.type)})`
  }
  if (!mayBeAbsent(expr.left) || !mayBeAbsent(expr.right)) return `(${left}===${right})`
  const name = temporary(to)
  return `((${name}=${left})!==undefined&&${name}===${right})`
}

function entityConstant(expr: Kind<'literal'>, to: Emitter): string {
  const hole = to.holes.get(expr)
  return hole === undefined ? constant(expr.value, to) : `k[${hole}]`
}

function emitIn(expr: Kind<'in'>, to: Emitter): string {
  const [left, right] = [emit(expr.left, to), emit(expr.right, to)]
  if (expr.mode === 'ip') return `h.ipWithin(${left},${right})`
  if (expr.mode === 'hierarchy') {
    if (isEntitySet(expr.right.type)) return `h.withinAny(g,${left},${right})`
    return `h.within(g,${left},${right})`
  }
  if (isEntitySet(expr.right.type)) return `h.hasNode(${right},${left})`
  if (expr.right.kind === 'literal' && isTextual(expr.left.type) && typeof expr.right.value === 'object') {
    const items = expr.right.value.kind === 'set' ? expr.right.value.items : []
    return `${constant(new Set(items), to)}.has(${left})`
  }
  return isScalar(expr.left.type)
    ? `h.hasScalar(${right},${left})`
    : `h.hasValue(${right},${asValue(left, expr.left.type)})`
}

function emitHolds(expr: Kind<'holds'>, to: Emitter): string {
  const [subject, of] = [emit(expr.subject, to), emit(expr.of, to)]
  const type = staticType(expr.of, to)
  if (type === undefined) return `h.holds(run,g,${subject},${constant(expr.relation, to)},${of})`
  return `h.holdsPlan(run,g,${subject},${constant(to.plans.of(type, expr.relation), to)},${of})`
}

function emitIsType(expr: Kind<'isType'>, to: Emitter): string {
  const type = staticType(expr.operand, to)
  if (type !== undefined && !mayBeAbsent(expr.operand) && expr.operand.kind === 'variable') {
    return String(expr.types.includes(type))
  }
  return `h.isType(${emit(expr.operand, to)},${constant(expr.types, to)})`
}

function emitCall(expr: Kind<'call'>, to: Emitter): string {
  const builtin = builtinByName.get(expr.name)
  if (!builtin) throw new Unsupported()
  if (expr.safe) return emitSafeCall(expr, builtin, to)
  const args = expr.args.map((arg) => asValue(emit(arg, to), arg.type))
  if (expr.args.every((arg) => arg.kind === 'literal' && !to.holes.has(arg))) {
    const value = builtin.evaluate(
      expr.args.flatMap((arg) => (arg.kind === 'literal' ? [arg.value] : [])),
      expr.type,
    )
    if (!isFailure(value)) return emitLiteral(value, expr.type, to)
  }
  const [set, element] = expr.args
  if (expr.name === 'containsElement' && set && element && !mayBeAbsent(element)) {
    if (isEntitySet(set.type)) return `h.hasNode(${emit(set, to)},${emit(element, to)})`
    if (isScalar(element.type)) return `h.hasScalar(${emit(set, to)},${emit(element, to)})`
  }
  const isSum = (expr.name === 'add' || expr.name === 'subtract') && expr.type.kind !== 'time'
  if (isSum) return `h.${expr.name}(${args.join(',')},${constant(builtin, to)},${constant(expr.type, to)})`
  return asNode(`h.call(${constant(builtin, to)},[${args}],${constant(expr.type, to)})`, expr.type)
}

/** SPEC 4.11: absent where the receiver is; an E of another operand is E all the same, so those come first. */
function emitSafeCall(expr: Kind<'call'>, builtin: Builtin, to: Emitter): string {
  const names = expr.args.map(() => temporary(to))
  const reads = expr.args.map((arg, at) => `${names[at]}=${emit(arg, to)}`)
  const args = expr.args.map((arg, at) => asValue(names[at] ?? '', arg.type))
  const call = asNode(`h.call(${constant(builtin, to)},[${args}],${constant(expr.type, to)})`, expr.type)
  return `(${reads.join(',')},${names[0]}===undefined?undefined:${call})`
}

function emitConstruct(expr: Kind<'construct'>, to: Emitter): string {
  if (expr.fields) {
    const members = expr.fields.map(
      ({ name, value }) => `[${constant(name, to)},${asValue(emit(value, to), value.type)}]`,
    )
    return `h.record([${members}])`
  }
  const items = (expr.items ?? []).map((item) => emit(item, to))
  return isEntitySet(expr.type) ? `h.nodes([${items}])` : `h.set([${items}])`
}

const isEntitySet = (type: Type): boolean => type.kind === 'set' && type.of.kind === 'entity'
const isTextual = (type: Type): boolean => type.kind === 'string' || type.kind === 'enum'
const isScalar = (type: Type): boolean =>
  type.kind !== 'set' && type.kind !== 'map' && type.kind !== 'record' && type.kind !== 'ip' && type.kind !== 'entity'

/** From compiled form to a value of IR. */
function asValue(code: string, type: Type): string {
  if (type.kind === 'entity') return `h.uid(${code})`
  return isEntitySet(type) ? `h.uids(${code})` : code
}

/** From a value of IR to compiled form. */
export function asNode(code: string, type: Type): string {
  if (type.kind === 'entity') return `h.node(g,${code})`
  return isEntitySet(type) ? `h.nodesOf(g,${code})` : code
}

/** What may end in more than a plain E (limits, cycles, failed externs), or may outlive an E of an operand (Kleene's three values). */
const notSafeToCatch = new Set(['holds', 'extern', 'permitted', 'quantifier', 'and', 'or'])

/** Inside `attempt` the first E that compiled code meets has to be the E of the whole operand. */
function isSafeToCatch(expr: Expr): boolean {
  let safe = true
  JSON.stringify(expr, (key, value) => {
    if (key === 'kind' && notSafeToCatch.has(value)) safe = false
    return typeof value === 'bigint' ? String(value) : value
  })
  return safe
}
