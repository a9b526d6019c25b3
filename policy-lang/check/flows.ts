import type { PartitionEntry } from '../ir/program.ts'
import { actionKey } from '../ir/program.ts'
import type { ActionInfo, Environment } from '../resolve/environment.ts'
import { createReporter, type Reporter } from '../resolve/reporter.ts'
import { sameType } from '../resolve/same-type.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { DraftRule } from './draft.ts'

type Partitions = Map<string, readonly PartitionEntry[]>

/** Partitions name rules by their places in `drafts`. */
export type FlowedRules = {
  readonly drafts: readonly DraftRule[]
  readonly partitions: ReadonlyMap<string, readonly PartitionEntry[]>
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Which rules decide which action: its own, allows of actions that imply it, denies of actions that it implies (SPEC 3:
 * allow flows down, deny flows up). `drafts` stand in their final order. `previous`: of the same declarations.
 */
export function flowRules(
  drafts: readonly DraftRule[],
  environment: Environment,
  previous: FlowedRules | undefined,
): FlowedRules {
  if (previous && isSameFlow(drafts, previous)) return { ...previous, drafts }
  const reporter = createReporter()
  const own = new Map<ActionInfo, number[]>()
  for (const [index, draft] of drafts.entries()) {
    if (draft.rule.disabled) continue
    for (const action of draft.targets) {
      const rules = own.get(action)
      if (rules) rules.push(index)
      else own.set(action, [index])
    }
  }
  const implied = impliedActions(environment, reporter)
  const implying = inverted(implied)
  const partitions: Partitions = new Map()
  for (const actions of environment.actions.values())
    for (const action of actions.values()) {
      const flow = {
        action,
        drafts,
        own,
        implied: implied.get(action) ?? [],
        implying: implying.get(action) ?? [],
        reporter,
      }
      const entries = entriesOf(flow)
      partitions.set(actionKey(action.wire, action.resource.wire), entries)
      lint(flow, entries)
    }
  return { drafts, partitions, diagnostics: reporter.diagnostics() }
}

/** Codes that are told of a rule, not of an action. */
const ofRules: ReadonlySet<string> = new Set(['F9003', 'F9004'])

/** A rule whose condition alone was edited flows as before; one that something was told about is looked at again. */
function isSameFlow(drafts: readonly DraftRule[], previous: FlowedRules): boolean {
  if (drafts.length !== previous.drafts.length) return false
  if (previous.diagnostics.some(({ code }) => ofRules.has(code))) return false
  return drafts.every((draft, at) => {
    const before = previous.drafts[at]
    return before === draft || (before !== undefined && flowsAlike(draft, before))
  })
}

const flowsAlike = (left: DraftRule, right: DraftRule): boolean =>
  left.rule.effect === right.rule.effect &&
  left.rule.disabled === right.rule.disabled &&
  left.readsAction === right.readsAction &&
  left.targets.length === right.targets.length &&
  left.targets.every((target, at) => target === right.targets[at]) &&
  left.reads.size === right.reads.size &&
  [...left.reads].every(([name, field]) => right.reads.get(name) === field) &&
  JSON.stringify(left.rule.fields) === JSON.stringify(right.rule.fields)

type Flow = {
  readonly action: ActionInfo
  readonly drafts: readonly DraftRule[]
  readonly own: ReadonlyMap<ActionInfo, readonly number[]>
  readonly implied: readonly ActionInfo[]
  readonly implying: readonly ActionInfo[]
  readonly reporter: Reporter
}

function entriesOf({ action, drafts, own, implied, implying, reporter }: Flow): PartitionEntry[] {
  const entries: PartitionEntry[] = (own.get(action) ?? []).map((rule) => ({ rule, as: action.wire }))
  const here = new Set(own.get(action) ?? [])
  const flow = (from: ActionInfo, effect: 'allow' | 'deny') => {
    for (const index of own.get(from) ?? []) {
      const draft = drafts[index]
      if (!draft || draft.rule.effect !== effect) continue
      // Seen under its own name already; only a rule that asks for the name may differ under another.
      if (here.has(index) && !draft.readsAction) continue
      const lacking = argumentThatLacks(draft, action)
      if (lacking === undefined) entries.push({ rule: index, as: from.wire, ...subjectLimit(from, action, effect) })
      else if (!here.has(index))
        reporter.report(
          'F9003',
          draft.rule.span,
          `the rule "${draft.rule.id}" of "${from.name}" does not flow to "${action.name}"`,
          {
            notes: [{ message: `"${action.name}" has no argument "${lacking}" of that kind` }],
          },
        )
    }
  }
  for (const other of implying) flow(other, 'allow')
  for (const other of implied) flow(other, 'deny')
  return entries.sort((a, b) => a.rule - b.rule || (a.as < b.as ? -1 : a.as > b.as ? 1 : 0))
}

/** An allow flows only for subjects that its own action accepts. */
function subjectLimit(from: ActionInfo, to: ActionInfo, effect: 'allow' | 'deny'): Pick<PartitionEntry, 'subjects'> {
  if (effect === 'deny' || from.subjects === 'anyone') return {}
  const accepted = from.subjects
  if (to.subjects !== 'anyone' && to.subjects.every((type) => accepted.includes(type))) return {}
  return { subjects: accepted }
}

/** The first member of context that the rule reads and the other action lacks, has with another type, or only perhaps. */
function argumentThatLacks(draft: DraftRule, to: ActionInfo): string | undefined {
  for (const [name, field] of draft.reads) {
    const there = to.context && Object.hasOwn(to.context.fields, name) ? to.context.fields[name] : undefined
    if (!there || !sameType(there.type, field.type) || (there.optional && !field.optional)) return name
  }
  return undefined
}

/** All actions that each action implies, directly or not; cycles are errors (SPEC 3). */
function impliedActions(environment: Environment, reporter: Reporter): Map<ActionInfo, ActionInfo[]> {
  const implied = new Map<ActionInfo, ActionInfo[]>()
  const told = new Set<ActionInfo>()
  for (const actions of environment.actions.values())
    for (const action of actions.values()) {
      const seen = new Set<ActionInfo>()
      const before = new Map<ActionInfo, ActionInfo>()
      for (const next of action.implies) seen.add(next)
      for (const next of seen)
        for (const further of next.implies) {
          if (!seen.has(further)) before.set(further, next)
          seen.add(further)
        }
      if (seen.delete(action) && !told.has(action)) {
        const cycle = cycleOf(action, before)
        for (const member of cycle) told.add(member)
        reporter.report('F4002', action.span, `the action "${action.name}" on ${action.resource.name} implies itself`, {
          notes: [{ message: [...cycle, action].map((member) => member.name).join(' → ') }],
        })
      }
      implied.set(action, [...seen])
    }
  return implied
}

function cycleOf(action: ActionInfo, before: ReadonlyMap<ActionInfo, ActionInfo>): ActionInfo[] {
  const cycle: ActionInfo[] = []
  for (let at = before.get(action); at && at !== action; at = before.get(at)) cycle.unshift(at)
  return [action, ...cycle]
}

function inverted(edges: ReadonlyMap<ActionInfo, readonly ActionInfo[]>): Map<ActionInfo, ActionInfo[]> {
  const inverse = new Map<ActionInfo, ActionInfo[]>()
  for (const [from, targets] of edges)
    for (const to of targets) {
      const sources = inverse.get(to)
      if (sources) sources.push(from)
      else inverse.set(to, [from])
    }
  return inverse
}

function lint({ action, drafts, implying, own, reporter }: Flow, entries: readonly PartitionEntry[]): void {
  const name = `"${action.name}" on ${action.resource.name}`
  const allows = entries.filter((entry) => drafts[entry.rule]?.rule.effect === 'allow')
  if (allows.length === 0)
    reporter.report('F9001', action.span, `no rule could ever allow ${name}`, {
      help: 'write an allow, or remove the action',
    })
  for (const other of action.implies) {
    const wider = widerSubjects(action, other)
    if (wider !== undefined)
      reporter.report('F9005', action.span, `${name} accepts ${wider}, and "${other.name}", which it implies, does not`)
  }
  if (implying.length > 0) lintFields({ action, drafts, own, reporter }, allows)
}

function widerSubjects(from: ActionInfo, to: ActionInfo): string | undefined {
  if (to.subjects === 'anyone') return undefined
  if (from.subjects === 'anyone') return 'anyone'
  const accepted = to.subjects
  return from.subjects.find((type) => !accepted.includes(type))
}

/** A flowed allow brings its own `fields`: told where it opens more than the action's own rules do (SPEC 3). */
function lintFields(
  { action, drafts, own, reporter }: Pick<Flow, 'action' | 'drafts' | 'own' | 'reporter'>,
  allows: readonly PartitionEntry[],
): void {
  const type = action.resource.wire
  const mine = new Set(own.get(action) ?? [])
  const opened = new Set<string>()
  for (const index of mine) {
    const rule = drafts[index]?.rule
    if (rule?.effect !== 'allow') continue
    const fields = rule.fields?.[type]
    if (!fields) return
    for (const field of fields) opened.add(field)
  }
  if (opened.size === 0) return
  const told = new Set<number>()
  for (const { rule: index } of allows) {
    const rule = drafts[index]?.rule
    if (!rule || mine.has(index) || told.has(index)) continue
    told.add(index)
    if (rule.fields?.[type]?.every((field) => opened.has(field) || opened.has(field.split('.')[0] ?? ''))) continue
    reporter.report(
      'F9004',
      rule.span,
      `through \`implies\`, the rule "${rule.id}" opens more fields of "${action.name}" than its own rules do`,
      {
        help: 'give the rule a `fields` clause',
      },
    )
  }
}
