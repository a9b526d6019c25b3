import type { Expr } from '../../ir/nodes.ts'
import { walk } from '../../ir/walk.ts'
import { errorOf, isTrue } from '../../runtime/outcome.ts'
import { explainChanges } from './explain-rule.ts'
import type { NearMiss } from './explanation.ts'
import { type Atom, judgeFormula, type Turned } from './formula.ts'
import type { Asked, JudgedRule } from './judge-rules.ts'
import { type Changes, cheapestChanges, joined, turnedBy } from './near-miss.ts'

/** At most so many ways are told. */
const waysTold = 3

/**
 * Near misses over the subject, the context and arguments alone (SPEC 7.4). Conditions on anything else are taken to hold,
 * so the answer is the same whatever the resource is, and whether there is one.
 */
export function callerNearMisses(judged: readonly JudgedRule[], asked: Asked): readonly NearMiss[] {
  const view = { turned: ownOnly, isFree: (atom: Atom) => !isOwn(atom.expr) }
  const changesOf = (ways: JudgedRule['ways'], wanted: boolean) =>
    ways.map(({ formula }) => cheapestChanges(formula, wanted, view))
  const denies = judged.filter(({ rule }) => rule.effect === 'deny' && !rule.fields)
  const off = joined(denies.flatMap(({ ways }) => changesOf(ways, false)))
  const found = new Map<string, Changes>()
  for (const { rule, ways } of judged) {
    if (rule.effect !== 'allow') continue
    for (const on of changesOf(ways, true)) {
      // A sealed allow may need less; that is the business of those who may explain.
      const changes = joined([on, off])
      if (!changes || changes.size === 0 || !turnedBy(changes)) continue
      const key = [...changes].map(([atom, wanted]) => `${atom.key} ${wanted}`).sort()
      found.set(JSON.stringify(key), changes)
    }
  }
  return [...found]
    .sort(([a, one], [b, other]) => one.size - other.size || (a < b ? -1 : 1))
    .slice(0, waysTold)
    .map(([, changes]) => ({ changes: explainChanges(changes, asked), decision: true, isSmallest: false }))
}

/** A deny that counts by the subject and the context alone. */
export const holdsForAnyResource = ({ formula }: JudgedRule['ways'][number]): boolean =>
  isTrue(judgeFormula(formula, ownOnly))

/** Reads the subject's own attributes, the context and arguments; nothing of others, no relation, no extern. */
export function isOwn(expr: Expr): boolean {
  let isWithin = true
  walk(expr, (node) => {
    const isForeign =
      node.kind === 'holds' ||
      node.kind === 'permitted' ||
      node.kind === 'extern' ||
      (node.kind === 'in' && node.mode === 'hierarchy') ||
      (node.kind === 'variable' && node.scope === 'request' && node.name === 'resource') ||
      // What was computed in a function may have read anything.
      (node.kind === 'variable' && node.scope === 'local' && node.name.includes('$'))
    // An attribute of an entity other than the subject itself: somebody else's.
    const isOthers =
      node.kind === 'attribute' &&
      node.of.type.kind === 'entity' &&
      !(node.of.kind === 'variable' && node.of.scope === 'request' && node.of.name === 'subject')
    if (isForeign || isOthers) isWithin = false
  })
  return isWithin
}

/** Kleene over what is own: everything else is unknown, which no connective makes true alone. */
const ownOnly: Turned = (atom) => (isOwn(atom.expr) ? undefined : unknown)
const unknown = errorOf({ code: 'missing', path: '' })
