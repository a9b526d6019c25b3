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
  const nameOf = createTypeNames()
  const texts = new Map<string, string>()
  /** Thousands of conjuncts have one of few texts. */
  const shared = (text: string): string => {
    const same = texts.get(text)
    if (same === undefined && texts.size < remembered) texts.set(text, text)
    return same ?? text
  }
  return (expr) => {
    const before = found.get(expr)
    if (before) return before
    const { text, constants } = shapeOf([expr], nameOf)
    const made = examine(expr, known, { text: shared(text), constants })
    found.set(expr, made.candidate ? { ...made, key: shared(made.key) } : made)
    return made
  }
}

function examine(expr: Expr, known: Types, shape: Shape): Conjunct {
  const candidate = candidateOf(expr, known)
  if (candidate) return { candidate, key: keyText(candidate.key), shape }
  return { key: `same ${shape.text} ${JSON.stringify(shape.constants.map(({ value }) => value))}`, shape }
}

/** Texts and types that are remembered; edits bring ever new ones, and a partition may live through very many. */
const remembered = 10_000

/** Short names: a type written out may be long, and stands in the text of every shape. */
function createTypeNames(): (type: Type) => string {
  const names = new WeakMap<Type, string>()
  const byText = new Map<string, string>()
  return (type) => {
    const known = names.get(type)
    if (known !== undefined) return known
    const text = JSON.stringify(type)
    const name = byText.get(text) ?? (byText.size < remembered ? `#${byText.size}` : text)
    if (name !== text) byText.set(text, name)
    names.set(type, name)
    return name
  }
}
