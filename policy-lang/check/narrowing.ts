import { elementOf } from '../builtins/comparable.ts'
import type { Expr } from '../ir/nodes.ts'
import { mayBeAbsent } from '../ir/walk.ts'

/**
 * What is known where an expression stands, because something before it holds (SPEC 4): optionals that are present, and
 * entity types that remain. Newest first; Kleene's `and` makes a guard work from either side, so order is only for reading.
 */
export type Known = { readonly before: Known; readonly path: string; readonly types?: readonly string[] } | undefined

/** `context.session`, `resource.expires`, `m["k"]`: the same text for the same value within one rule. */
export function pathOf(expr: Expr): string | undefined {
  if (expr.kind === 'variable') return expr.name
  if (expr.kind !== 'attribute') return undefined
  const of = pathOf(expr.of)
  if (of === undefined) return undefined
  if (!expr.key) return `${of}.${expr.name}`
  return expr.key.kind === 'literal' ? `${of}[${JSON.stringify(expr.key.value)}]` : undefined
}

export function isPresent(known: Known, path: string | undefined): boolean {
  if (path === undefined) return false
  for (let fact = known; fact; fact = fact.before) if (fact.path === path && !fact.types) return true
  return false
}

/** The entity types that remain for a path; undefined where nothing is known. */
export function remainingTypes(known: Known, path: string | undefined): readonly string[] | undefined {
  if (path === undefined) return undefined
  for (let fact = known; fact; fact = fact.before) if (fact.path === path && fact.types) return fact.types
  return undefined
}

/** What is known once `expr` turned out `outcome`. `holders` says which types may hold a relation. */
export function knownWhen(expr: Expr, outcome: boolean, known: Known, holders: Holders): Known {
  switch (expr.kind) {
    case 'not':
      return knownWhen(expr.operand, !outcome, known, holders)
    case 'and':
    case 'or':
      if (outcome !== (expr.kind === 'and')) return known
      return expr.operands.reduce<Known>((facts, operand) => knownWhen(operand, outcome, facts, holders), known)
    case 'let':
      return knownWhen(expr.body, outcome, known, holders)
    case 'has':
      return outcome ? present(expr.of, known) : known
    case 'isType':
      return narrowed(expr.operand, known, (type) => expr.types.includes(type) === outcome)
    case 'compare':
      return outcome && expr.op === 'eq' ? afterEqual(expr.left, expr.right, known) : known
    case 'in':
      return outcome ? afterIn(expr, known) : known
    case 'holds': {
      if (!outcome) return known
      const types = new Set(holders(expr))
      return narrowed(expr.subject, present(expr.of, known), (type) => types.has(type))
    }
    default:
      return known
  }
}

/** Wire names of the types that may hold the relation of a `holds` node. */
export type Holders = (expr: Expr & { kind: 'holds' }) => readonly string[]

/** The value of `expr` was there, so was everything optional on the way to it. */
function present(expr: Expr, known: Known): Known {
  if (expr.kind !== 'attribute') return mayBeAbsent(expr) ? add(pathOf(expr), known) : known
  const before = present(expr.of, known)
  return mayBeAbsent(expr) ? add(pathOf(expr), before) : before
}

const add = (path: string | undefined, known: Known): Known => (path === undefined ? known : { before: known, path })

function narrowed(expr: Expr, known: Known, keep: (type: string) => boolean): Known {
  const path = pathOf(expr)
  if (path === undefined || expr.type.kind !== 'entity') return known
  const now = remainingTypes(known, path) ?? expr.type.types
  const types = now.filter(keep)
  return types.length === now.length ? known : { before: known, path, types }
}

function afterEqual(left: Expr, right: Expr, known: Known): Known {
  let facts = present(right, present(left, known))
  if (left.type.kind !== 'entity' || right.type.kind !== 'entity') return facts
  const [lefts, rights] = [left.type.types, right.type.types]
  facts = narrowed(left, facts, (type) => rights.includes(type))
  return narrowed(right, facts, (type) => lefts.includes(type))
}

function afterIn(expr: Expr & { kind: 'in' }, known: Known): Known {
  const facts = present(expr.right, present(expr.left, known))
  const element = elementOf(expr.right.type)
  if (expr.mode !== 'set' || element.kind !== 'entity') return facts
  return narrowed(expr.left, facts, (type) => element.types.includes(type))
}
