import type { Program } from '../../ir/program.ts'
import type { Decision } from '../../runtime/decision.ts'
import { judge, literalAdvice } from '../../runtime/judge.ts'

/**
 * The rules that have counted so far, as a state: going on to another rule follows an edge, so a decision that has been made
 * before is found again without allocating anything.
 */
export type State = {
  readonly counted: readonly number[]
  readonly next: Map<number, State>
  /** The decision; undefined until asked for, null where its advice must be computed each time. */
  decision: Decision | null | undefined
}

export type DecisionStates = {
  readonly start: State
  /** `rule` has counted too. */
  step(state: State, rule: number): State
  /** Says which rules the bits of a block mean. */
  nameBlock(block: number, rules: readonly number[]): void
  /** Those of a block have counted too. */
  stepBlock(state: State, block: number, bits: number): State
  /** Where the first block leads from `start`: by bits, filled in as it is asked for. */
  readonly first: readonly (State | undefined)[]
  /** null: the interpreter must say it. */
  decide(state: State): Decision | null
}

type Judged = Pick<Program, 'rules' | 'entityTypes'>

/** Combinations that are remembered; more are made anew each time. */
const remembered = 10_000

/** `rules`: those of one partition, in their order; every number here is an index into it. */
export function createDecisionStates(judged: Judged, resourceType: string): DecisionStates {
  let states = 1
  const start: State = { counted: [], next: new Map(), decision: undefined }
  const blocks: (readonly number[])[] = []
  const first: (State | undefined)[] = []
  const go = (state: State, edge: number, rules: readonly number[]): State => {
    const made: State = { counted: [...state.counted, ...rules], next: new Map(), decision: undefined }
    if (states < remembered) {
      states += 1
      state.next.set(edge, made)
    }
    return made
  }
  const step = (state: State, rule: number): State => state.next.get(rule) ?? go(state, rule, [rule])
  const stepBlock = (state: State, block: number, bits: number): State => {
    // Negative, so that no rule has this number.
    const edge = -1 - block * 1024 - bits
    const known = state.next.get(edge)
    if (known !== undefined) return known
    const made = go(
      state,
      edge,
      (blocks[block] ?? []).filter((_, bit) => (bits & (1 << bit)) !== 0),
    )
    if (state === start && block === 0 && state.next.has(edge)) first[bits] = made
    return made
  }
  const decide = (state: State): Decision | null => {
    if (state.decision === undefined) state.decision = conclude(judged, resourceType, state.counted)
    return state.decision
  }
  const nameBlock = (block: number, rules: readonly number[]): void => {
    blocks[block] = rules
    if (block === 0) first.push(...Array<undefined>(2 ** rules.length).fill(undefined))
  }
  return { start, step, nameBlock, stepBlock, first, decide }
}

function conclude(judged: Judged, resourceType: string, counted: readonly number[]): Decision | null {
  const indexes = [...new Set(counted)].sort((a, b) => a - b)
  const isDeny = (index: number): boolean => judged.rules[index]?.effect === 'deny'
  let needsEvaluation = false
  const decision = judge(
    judged,
    resourceType,
    {
      allows: indexes.filter((index) => !isDeny(index)),
      denies: indexes.filter(isDeny),
      errors: [],
      degraded: [],
    },
    (rule) => {
      const advice = literalAdvice(rule)
      if (!advice) needsEvaluation = true
      return advice ?? []
    },
  )
  return needsEvaluation ? null : freeze(decision)
}

/** The object is given to every caller: nobody may change it. */
function freeze(decision: Decision): Decision {
  for (const list of [decision.reasons, decision.errors, decision.degraded, decision.advice, decision.texts]) {
    Object.freeze(list)
  }
  if (decision.fields) Object.freeze(decision.fields)
  return Object.freeze(decision)
}
