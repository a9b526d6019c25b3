import type { Expr } from '../../ir/nodes.ts'
import { mapChildren } from '../../ir/walk.ts'
import { evaluate } from '../../runtime/evaluate.ts'
import { isTrue, type Outcome, valued } from '../../runtime/outcome.ts'
import { conditionText } from './condition-text.ts'
import type { About } from './explanation.ts'
import { type Atom, atomsIn, type Formula, judgeFormula, type Turned } from './formula.ts'

/** Which atoms would have to have which truth. */
export type Changes = ReadonlyMap<Atom, boolean>
export type FoundMiss = { readonly changes: Changes; readonly isSmallest: boolean }

/** What is searched: the formulas that decide, and what they decide. */
export type Question = {
  readonly formulas: readonly Formula[]
  /** The decision when atoms are turned. */
  readonly decide: (turned: Turned) => boolean
  /** Sets that were found by reading the formulas; the search only looks for smaller ones. */
  readonly guesses: readonly Changes[]
  readonly about: (atom: Atom) => About
}

/** Atoms judged in one search; more make an explanation slower than it is worth. */
const workLimit = 400_000

/** The smallest set of atomic conditions that would flip the answer, context first (SPEC 7.4). */
export function findNearMiss(question: Question): FoundMiss | undefined {
  const before = question.decide(() => undefined)
  const flips = (changes: Changes): boolean => {
    const turned = turnedBy(changes)
    return turned !== undefined && question.decide(turned) !== before
  }
  const cost = costOf(question.about)
  let best: Changes | undefined
  for (const guess of question.guesses) {
    if ((!best || cost(guess) < cost(best)) && guess.size > 0 && flips(guess)) best = guess
  }
  const atoms = [...atomsIn(question.formulas)]
    .map((atom) => ({ atom, rank: cost(new Map([[atom, true]])) }))
    .sort((a, b) => a.rank - b.rank || (a.atom.key < b.atom.key ? -1 : 1))
    .map(({ atom }) => atom)
  let left = Math.floor(workLimit / Math.max(1, atoms.length))
  for (let size = 1; size <= Math.min(atoms.length, best ? best.size : 3); size++) {
    let found: Changes | undefined
    for (const changes of setsOf(atoms, size)) {
      left -= 1
      if (left < 0) return best && { changes: best, isSmallest: false }
      if ((!found || cost(changes) < cost(found)) && flips(changes)) found = changes
    }
    if (found && (!best || cost(found) <= cost(best))) return { changes: found, isSmallest: true }
  }
  return best && { changes: best, isSmallest: true }
}

/** Fewer first, then those that the caller can change. */
function costOf(about: Question['about']): (changes: Changes) => number {
  return (changes) => {
    let ranks = 0
    for (const atom of changes.keys()) ranks += order[about(atom)]
    return changes.size * 1000 + ranks
  }
}
const order: { readonly [about in About]: number } = { context: 0, subject: 1, resource: 2, relation: 3 }

/** Every set of `size` atoms with every turn that is one: an E may become either. */
function* setsOf(atoms: readonly Atom[], size: number, from = 0): Generator<Changes> {
  if (size === 0) return yield new Map()
  for (let at = from; at < atoms.length; at++) {
    const atom = atoms[at]
    if (!atom) return
    for (const rest of setsOf(atoms, size - 1, at + 1)) {
      for (const wanted of turnsOf(atom)) yield new Map([[atom, wanted], ...rest])
    }
  }
}

const turnsOf = ({ outcome }: Atom): readonly boolean[] =>
  outcome.kind === 'value' ? [!isTrue(outcome)] : [true, false]

/** Free atoms are taken to be as they are needed, at no cost. */
export type View = { readonly turned: Turned; readonly isFree: (atom: Atom) => boolean }
const everything: View = { turned: () => undefined, isFree: () => false }

/**
 * The cheapest changes that make a formula true or false, read from its shape; undefined where nothing can. What it says is
 * tried out before it is told, since one condition may stand in several rules.
 */
export function cheapestChanges(formula: Formula, wanted: boolean, view: View = everything): Changes | undefined {
  const now = judgeFormula(formula, view.turned)
  if (now.kind === 'value' && isTrue(now) === wanted) return new Map()
  switch (formula.kind) {
    case 'fixed':
      return undefined
    case 'atom':
      return view.isFree(formula.atom) ? new Map() : new Map([[formula.atom, wanted]])
    case 'not':
      return cheapestChanges(formula.of, !wanted, view)
    case 'if': {
      const inner = (test: boolean, branch: Formula) =>
        joined([cheapestChanges(formula.test, test, view), cheapestChanges(branch, wanted, view)])
      return least([inner(true, formula.yes), inner(false, formula.no)])
    }
    default: {
      const each = formula.operands.map((operand) => cheapestChanges(operand, wanted, view))
      return (formula.kind === 'and') === wanted ? joined(each) : least(each)
    }
  }
}

/** All of them; undefined where one is impossible or two contradict each other. */
export function joined(parts: readonly (Changes | undefined)[]): Changes | undefined {
  const all = new Map<Atom, boolean>()
  const byKey = new Map<string, boolean>()
  for (const part of parts) {
    if (!part) return undefined
    for (const [atom, wanted] of part) {
      const before = byKey.get(atom.key)
      if (before !== undefined && before !== wanted) return undefined
      if (before === undefined) all.set(atom, wanted)
      byKey.set(atom.key, wanted)
    }
  }
  return all
}

export function least(parts: readonly (Changes | undefined)[]): Changes | undefined {
  let found: Changes | undefined
  for (const part of parts) if (part && (!found || part.size < found.size)) found = part
  return found
}

/**
 * Truths under the changes. A path that is made equal to a constant has that value everywhere else too; undefined where the
 * changes contradict each other so.
 */
export function turnedBy(changes: Changes): Turned | undefined {
  const wanted = new Map<string, Outcome>()
  const pins: Pin[] = []
  for (const [atom, truth] of changes) {
    wanted.set(atom.key, valued(truth))
    const pin = truth ? pinOf(atom.expr) : undefined
    if (pin) pins.push(pin)
  }
  const settled = new Map<string, Outcome | undefined>()
  const underPins = (atom: Atom): Outcome | undefined => {
    if (!settled.has(atom.key)) settled.set(atom.key, judgePinned(atom, pins))
    return settled.get(atom.key)
  }
  if (pins.length > 0) {
    for (const [atom, truth] of changes) {
      const implied = underPins(atom)
      if (implied?.kind === 'value' && isTrue(implied) !== truth) return undefined
    }
  }
  return (atom) => wanted.get(atom.key) ?? (pins.length > 0 ? underPins(atom) : undefined)
}

type Pin = { readonly path: string; readonly value: Expr }

/** `path == constant` */
function pinOf(expr: Expr): Pin | undefined {
  if (expr.kind !== 'compare' || expr.op !== 'eq') return undefined
  const [of, value] = expr.left.kind === 'literal' ? [expr.right, expr.left] : [expr.left, expr.right]
  return value.kind === 'literal' && of.kind === 'attribute' ? { path: conditionText(of), value } : undefined
}

/** What an atom becomes where paths have other values; undefined where none of them stands in it. */
function judgePinned(atom: Atom, pins: readonly Pin[]): Outcome | undefined {
  let isTouched = false
  const replace = (expr: Expr): Expr => {
    const pin = expr.kind === 'attribute' ? pins.find(({ path }) => path === conditionText(expr)) : undefined
    if (!pin) return mapChildren(expr, replace)
    isTouched = true
    return pin.value
  }
  const pinned = replace(atom.expr)
  return isTouched ? evaluate(pinned, atom.env) : undefined
}
