import type { Expr, Value } from '../../ir/nodes.ts'
import { constant, type Emitter, emit, mayBeAbsent } from './compile-expression.ts'

/** One rule in code, and the conjunct by which it can be looked up. */
export type RuleCode = {
  readonly rule: number
  readonly code: string
  readonly key?: IndexKey & { readonly rest: string }
}

/**
 * A conjunct that compares a path with a constant. `code` yields the key (`equal`), or all keys (`each`: labels of a set,
 * ids of ancestors), or the number that constants must be less than (`above`). Rules with the same code share one look-up;
 * those whose constant is not found are false, whatever else they say.
 */
export type IndexKey = {
  readonly kind: 'equal' | 'each' | 'above'
  readonly code: string
  readonly value: string | number
}
export type Table = { readonly kind: IndexKey['kind']; readonly key: string; readonly rules: readonly RuleCode[] }

/** Fewer rules than this on one key are cheaper in a row. */
const tabled = 4

/** The look-up that a conjunct allows, if it allows one. */
export function indexKey(expr: Expr, to: Emitter): IndexKey | undefined {
  if (expr.kind === 'compare' && expr.op === 'eq') return equalKey(expr, to)
  if (expr.kind === 'compare' && expr.op === 'lt') return orderKey(expr, to)
  return expr.kind === 'in' ? memberKey(expr, to) : undefined
}

/** Rules that share a look-up, and the others. */
export function arrange(rules: readonly RuleCode[]): {
  readonly plain: readonly RuleCode[]
  readonly tables: readonly Table[]
} {
  const byKey = Map.groupBy(rules, ({ key }) => (key ? `${key.kind} ${key.code}` : ''))
  const shared = [...byKey].filter(([name, sharing]) => name !== '' && sharing.length >= tabled)
  const inTables = new Set(shared.flatMap(([, sharing]) => sharing))
  const tables = shared.flatMap(([, sharing]) => {
    const key = sharing[0]?.key
    return key ? { kind: key.kind, key: key.code, rules: sharing } : []
  })
  return { plain: rules.filter((rule) => !inTables.has(rule)), tables }
}

/** JavaScript for one look-up. */
export function tableCode({ kind, key, rules }: Table, to: Emitter): string {
  const values = [...new Set(rules.flatMap((rule) => rule.key?.value ?? []))]
  if (kind === 'above') values.sort((a, b) => Number(a) - Number(b))
  const cases = values.map((value, number) => {
    const own = rules.filter((rule) => rule.key?.value === value)
    return `case ${number}:${own.map(({ rule, key: found }) => `if(${found?.rest})st=p(st,${rule});`).join('')}break;`
  })
  if (kind === 'above') {
    const sorted = constant(values, to)
    return `const v=${key};for(let i=0;i<${values.length}&&${sorted}[i]<v;i++)switch(i){${cases.join('')}}`
  }
  const numbers = constant(new Map(values.map((value, number) => [value, number])), to)
  if (kind === 'equal') return `switch(${numbers}.get(${key})){${cases.join('')}}`
  return `for(const v of ${key})switch(${numbers}.get(v)){${cases.join('')}}`
}

type Kind<Name extends Expr['kind']> = Expr & { readonly kind: Name }

function equalKey(expr: Kind<'compare'>, to: Emitter): IndexKey | undefined {
  const [of, fixed] = expr.left.kind === 'literal' ? [expr.right, expr.left] : [expr.left, expr.right]
  if (fixed.kind !== 'literal' || !isPath(of)) return undefined
  if (isScalar(fixed.value)) return { kind: 'equal', code: emit(of, to), value: fixed.value }
  // An entity by its id, where the path can be of no other type.
  const type = of.type.kind === 'entity' && of.type.types.length === 1 ? of.type.types[0] : undefined
  if (typeof fixed.value !== 'object' || fixed.value.kind !== 'entity' || fixed.value.type !== type) return undefined
  return of.kind === 'attribute' ? { kind: 'equal', code: `h.idOf(${emit(of, to)})`, value: fixed.value.id } : undefined
}

/** `constant < path` on numbers that are doubles. */
function orderKey(expr: Kind<'compare'>, to: Emitter): IndexKey | undefined {
  const { left, right } = expr
  if (left.kind !== 'literal' || typeof left.value !== 'number' || !isPath(right) || mayBeAbsent(right))
    return undefined
  return { kind: 'above', code: emit(right, to), value: left.value }
}

function memberKey(expr: Kind<'in'>, to: Emitter): IndexKey | undefined {
  const { left, right, mode } = expr
  if (mode === 'set' && left.kind === 'literal' && isScalar(left.value) && isPath(right)) {
    return { kind: 'each', code: `h.items(${emit(right, to)})`, value: left.value }
  }
  if (mode !== 'hierarchy' || right.kind !== 'literal' || !isPath(left)) return undefined
  const ancestor = right.value
  if (typeof ancestor !== 'object' || ancestor.kind !== 'entity') return undefined
  const code = `h.ancestorIds(g,${emit(left, to)},${constant(ancestor.type, to)})`
  return { kind: 'each', code, value: ancestor.id }
}

const isScalar = (value: Value): value is string | number => typeof value === 'string' || typeof value === 'number'

const isPath = (expr: Expr): boolean =>
  expr.kind === 'attribute'
    ? expr.key === undefined && isPath(expr.of)
    : expr.kind === 'variable' && expr.scope === 'request' && expr.name !== 'action'
