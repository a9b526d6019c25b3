import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { type Candidate, candidateOf, keyText, type Types } from './index-keys.ts'
import { type Shape, shapeOf } from './shape-of.ts'

/** What planning and compiling ask of one conjunct, whichever rule it stands in. */
export type Conjunct = {
  /** The look-up that it allows, and a text that two conjuncts share if they can share it. */
  readonly candidate?: Candidate
  readonly key: string
  readonly shape: Shape
}

/** Answers for conjuncts of one pair of types. Forgets a conjunct with the rule that it stands in. */
export type Conjuncts = (expr: Expr) => Conjunct

export function createConjuncts(known: Types): Conjuncts {
  const found = new WeakMap<Expr, Conjunct>()
  const types = new WeakMap<Type, string>()
  return (expr) => {
    const before = found.get(expr)
    if (before) return before
    const made = examine(expr, known, types)
    found.set(expr, made)
    return made
  }
}

function examine(expr: Expr, known: Types, types: WeakMap<Type, string>): Conjunct {
  const shape = shapeOf([expr], types)
  const candidate = candidateOf(expr, known)
  if (candidate) return { candidate, key: keyText(candidate.key), shape }
  return { key: `same ${shape.text} ${JSON.stringify(shape.constants.map(({ value }) => value))}`, shape }
}
