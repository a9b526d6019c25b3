import type { Expr, Value } from '../../ir/nodes.ts'
import type { Program } from '../../ir/program.ts'
import type { FieldType, Type } from '../../ir/types.ts'
import { childrenOf, walk } from '../../ir/walk.ts'
import { type Environment, evaluate } from '../../runtime/evaluate.ts'
import type { Json } from '../../runtime/strict-json.ts'
import { writeValue } from '../../runtime/write-value.ts'
import { conditionText, shownText } from './condition-text.ts'
import type { ShownValue } from './explanation.ts'
import type { Atom } from './formula.ts'

/** The values that an atomic condition read, by path, each once; what is `@personal` or `@secret` is masked (SPEC 3.20). */
export function shownValues({ expr, env, bindings }: Atom, context: Type): readonly ShownValue[] {
  const shown = new Map<string, ShownValue>()
  for (const read of readsOf(expr, new Set())) {
    const path = shownText(conditionText(read))
    if (!shown.has(path)) shown.set(path, showOne(read, path, { env, bindings, context }))
  }
  return [...shown.values()]
}

type Showing = { readonly env: Environment; readonly bindings: ReadonlyMap<string, Expr>; readonly context: Type }

function showOne(read: Expr, path: string, at: Showing): ShownValue {
  if (isMasked(read, at)) return { path, kind: 'masked' }
  const outcome = evaluate(read, at.env)
  if (outcome.kind === 'absent') return { path, kind: 'absent' }
  if (outcome.kind === 'error') return { path, kind: 'error', cause: outcome.cause }
  const type = typeOf(read, at)
  return { path, kind: 'value', value: writeMasked(outcome.value, type) }
}

/**
 * Whole paths, externs and locals that were computed. What stands under the variable of a quantifier has no one value, and a
 * bare `subject` or `resource` is no news.
 */
function readsOf(expr: Expr, inner: ReadonlySet<string>): readonly Expr[] {
  if (expr.kind === 'quantifier') {
    return [...readsOf(expr.over, inner), ...readsOf(expr.body, new Set(inner).add(expr.variable))]
  }
  if (expr.kind === 'let') return [...readsOf(expr.value, inner), ...readsOf(expr.body, new Set(inner).add(expr.name))]
  if (expr.kind === 'variable') return expr.scope === 'local' && !inner.has(expr.name) ? [expr] : []
  const isWhole = expr.kind === 'attribute' || expr.kind === 'extern'
  if (isWhole && !mentions(expr, inner)) return [expr]
  return childrenOf(expr).flatMap((child) => readsOf(child, inner))
}

function mentions(expr: Expr, names: ReadonlySet<string>): boolean {
  let found = false
  walk(expr, (node) => {
    if (node.kind === 'variable' && node.scope === 'local' && names.has(node.name)) found = true
  })
  return found
}

/** Any marked member on the way hides what lies behind it, also where it went through a function or an extern. */
function isMasked(expr: Expr, at: Showing): boolean {
  if (expr.kind === 'variable' && expr.scope === 'local') {
    const bound = at.bindings.get(expr.name)
    return bound !== undefined && isMasked(bound, at)
  }
  if (expr.kind === 'attribute' && fieldsOf(expr, at).some(isMarked)) return true
  return childrenOf(expr).some((child) => isMasked(child, at))
}

/** `@personal` or `@secret` (SPEC 3.20). */
export const isMarked = ({ marks }: FieldType): boolean => marks?.personal === true || marks?.secret === true

function fieldsOf(expr: Expr & { readonly kind: 'attribute' }, at: Showing): readonly FieldType[] {
  return membersNamed(typeOf(expr.of, at), expr.name, at.env.program)
}

function membersNamed(type: Type, name: string, program: Program): readonly FieldType[] {
  if (type.kind === 'record') return Object.hasOwn(type.fields, name) ? [type.fields[name] ?? []].flat() : []
  if (type.kind !== 'entity') return []
  return type.types.flatMap((each) => program.entityTypes.get(each)?.attributes.get(name) ?? [])
}

/** The context that the asked action declares stands for the one that the rule's other actions have in common. */
const typeOf = (expr: Expr, at: Showing): Type =>
  expr.kind === 'variable' && expr.scope === 'request' && expr.name === 'context' ? at.context : expr.type

/** Records lose their marked members too. */
function writeMasked(value: Value, type: Type): Json {
  if (type.kind === 'set' && typeof value === 'object' && value.kind === 'set') {
    return value.items.map((item) => writeMasked(item, type.of))
  }
  if (type.kind === 'map' && typeof value === 'object' && value.kind === 'map') {
    return Object.fromEntries([...value.entries].map(([name, item]) => [name, writeMasked(item, type.of)]))
  }
  if (type.kind !== 'record' || typeof value !== 'object' || value.kind !== 'record') return writeValue(value, type)
  const members = [...value.fields].map(([name, member]): [string, Json] => {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    // A member that the schema does not know is not shown.
    return [name, field && !isMarked(field) ? writeMasked(member, field.type) : masked]
  })
  return Object.fromEntries(members)
}

/** What stands for a hidden value. */
export const masked = '•••'
