import fc from 'fast-check'
import { type Choose, readTape } from '../ast/tape.ts'

// Policy sets that load, written as text: every rule is well typed over one schema, and its parts can be laid out in any order.

export const schema: readonly string[] = [
  'import User, Client, Group, Organization from "writ:identity"',
  'type Level = "low" < "middle" < "high"',
  'const most = 5',
  'entity Folder in Organization, parent: Folder? {\n  owner: User\n  relation viewer: User | Group | any Client\n  relation blocked: User\n  relation sees = (viewer or owner or parent.sees) minus blocked\n}',
  'entity Document in Folder {\n  author: User\n  level: Level\n  size: Int\n  price: Decimal\n  open: Bool\n  title: String\n  tags: Set<String>\n  due?: Time\n  near?: Document\n  rates: Map<Int>\n  home?: { city: String, zip?: String }\n  by: User | Client\n}',
  'fn small(n: Int, upTo: Int): Bool = n <= upTo and n >= 0 - upTo',
  'fn later(t: Time, d?: Duration): Bool = t + (d ?? 1h) > context.now',
  'extern fn risk(who: User): Int within 20ms else 3',
  'action read on Document by anyone with { limit?: Int }',
  'action edit on Document by User with { limit?: Int } implies read',
  'action burn on Document by User with { limit?: Int, level: Level }',
]

/** A condition that is laid out anew whenever it is written. */
export type Condition =
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }

export type RandomRule = {
  readonly id: string | undefined
  readonly effect: 'allow' | 'deny'
  readonly actions: readonly string[]
  readonly subjects: readonly string[]
  readonly when: readonly Condition[]
  readonly unless: readonly Condition[]
  /** `fields`, `advise`. */
  readonly more: readonly string[]
}

const tape = fc.uint8Array({ minLength: 4, maxLength: 90 })

export const anyRule = (id: string | undefined, effect?: RandomRule['effect']): fc.Arbitrary<RandomRule> =>
  tape.map((bytes) => makeRule(readTape(bytes), id, effect))

/** One to five rules; some without an id. */
export const anyRules: fc.Arbitrary<readonly RandomRule[]> = fc
  .array(tape, { minLength: 1, maxLength: 5 })
  .map((tapes) => tapes.map((bytes, at) => makeRule(readTape(bytes), at % 3 === 2 ? undefined : `r${at}`)))

function makeRule(choose: Choose, id: string | undefined, effect?: RandomRule['effect']): RandomRule {
  const own = effect ?? pick(choose, ['allow', 'allow', 'deny'] as const)
  const conditions = (count: number) => Array.from({ length: choose(count) }, () => condition(choose, 3))
  const fields = pick(choose, ['', '', 'fields title, home.city', 'fields all except tags, home'])
  const advise = own === 'deny' ? pick(choose, ['', '', 'advise captcha()', 'advise stepUp(acr: "mfa")']) : ''
  return {
    id,
    effect: own,
    actions: pick(choose, [['read'], ['edit'], ['read', 'edit'], ['burn'], ['edit', 'burn']]),
    subjects: pick(choose, subjects),
    when: conditions(3),
    unless: conditions(2),
    more: [fields, advise].filter((clause) => clause !== ''),
  }
}

const subjects = [
  ['anyone'],
  ['User'],
  ['author of d'],
  ['sees of d.folder', 'author of d'],
  ['viewer, owner of d.folder'],
  ['User | Client', 'owner of d.folder'],
]

function condition(choose: Choose, depth: number): Condition {
  const kind = depth === 0 ? 'atom' : pick(choose, ['atom', 'atom', 'and', 'or', 'not'] as const)
  if (kind === 'atom') return { kind, text: pick(choose, atoms) }
  if (kind === 'not') return { kind, of: condition(choose, depth - 1) }
  return { kind, operands: Array.from({ length: 2 + choose(2) }, () => condition(choose, depth - 1)) }
}

/** Each is right wherever it stands; several can fail. */
const atoms = [
  'd.open',
  'd.size > most',
  'd.size * 3_000_000_000 * d.size > 4',
  'd.level >= "middle"',
  'd.price <= 1.5 * 2',
  'd.title == "x"',
  'd.title.startsWith("a")',
  'd.title.like("a*\\*")',
  '"a" in d.tags',
  'd.tags.containsAll(["a", "b"])',
  'has d.due and d.due > context.now',
  'later(d.due ?? context.now)',
  'd.near?.open == true',
  'has d.near and d.near.size < d.size',
  '(d.rates["eur"] ?? 0) > 1',
  '(d.home?.zip ?? "none") != "53111"',
  'd.home?.city in ["Bonn", "Oslo"]',
  'd.by is User',
  'subject in d.folder.viewer',
  'subject in d.folder.sees',
  'd in Folder::"root"',
  'd.folder == Folder::"f"',
  'any(t in d.tags: t == "a" or t.length > 2)',
  'count(t in d.tags: t != "a") < 2',
  '(context.limit ?? 3) <= most',
  'has context.session and context.session.acr >= "mfa"',
  'small(d.size, most)',
  'if d.open then d.size > 3 else d.title != "x"',
  'risk(d.author) > 2',
  'd.organization == Organization::"o"',
  'context.now.hour(d.title) > 3',
]

/** How the parts of a set are written down. */
export type Layout = {
  readonly shuffle: <T>(list: readonly T[]) => readonly T[]
  /** Operands and clauses stand twice. */
  readonly isDoubled: boolean
}
export const plainly: Layout = { shuffle: (list) => list, isDoubled: false }

/** A layout drawn from bytes. */
export const anyLayout: fc.Arbitrary<Layout> = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.boolean())
  .map(([bytes, isDoubled]) => ({ shuffle: shuffler(readTape(bytes)), isDoubled }))

export function writeSet(rules: readonly RandomRule[], layout: Layout = plainly): string {
  const written = rules.map((rule) => writeRule(rule, layout))
  // Rules without an id are one where they say the same, so they may stand twice.
  const again = layout.isDoubled
    ? rules.filter(({ id }) => id === undefined).map((rule) => writeRule(rule, layout))
    : []
  return `${layout.shuffle([...schema, ...written, ...again]).join('\n\n')}\n`
}

function writeRule({ id, effect, actions, subjects, when, unless, more }: RandomRule, layout: Layout): string {
  const { shuffle, isDoubled } = layout
  const twice = <T>(list: readonly T[]): readonly T[] => shuffle(isDoubled ? [...list, ...list] : list)
  const clauses = [
    ...twice(when).map((clause) => `when ${writeCondition(clause, layout)}`),
    ...twice(unless).map((clause) => `unless ${writeCondition(clause, layout)}`),
    ...more,
  ]
  const target = `${effect} ${shuffle(actions).join(', ')} on d: Document to ${shuffle(subjects).join(' or ')}`
  const head = id === undefined ? target : `@id("${id}")\n${target}`
  return [head, ...shuffle(clauses)].join('\n  ')
}

function writeCondition(condition: Condition, layout: Layout): string {
  if (condition.kind === 'atom') return `(${condition.text})`
  if (condition.kind === 'not') return `not (${writeCondition(condition.of, layout)})`
  const operands = layout.isDoubled ? [...condition.operands, ...condition.operands.slice(0, 1)] : condition.operands
  return `(${layout
    .shuffle(operands)
    .map((operand) => writeCondition(operand, layout))
    .join(` ${condition.kind} `)})`
}

const shuffler =
  (choose: Choose) =>
  <T>(list: readonly T[]): readonly T[] => {
    const left = [...list]
    return list.flatMap(() => left.splice(choose(left.length), 1))
  }

function pick<T>(choose: Choose, list: readonly [T, ...T[]] | readonly T[]): T {
  const found = list[choose(list.length)]
  if (found === undefined) throw new Error('a choice among nothing')
  return found
}
