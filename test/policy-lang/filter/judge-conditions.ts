import type { Database } from '../../../adapters/database/port.ts'
import {
  type CompileMemory,
  compileProgram,
  completeResidual,
  createEvaluator,
  type Decision,
  type EntityValue,
  type Facts,
  type Filter,
  type FilterQuestion,
  interpret,
  type PartialQuestion,
  type Program,
  partialEvaluate,
  type Request,
  type Value,
} from '../../../policy-lang/index.ts'

/** Where the rows of the listed type stand, and what the interpreter knows of them. */
export type Stand = {
  readonly name: string
  readonly table: string
  /** Of the rows that are listed, over `t`. */
  readonly where: string
  readonly ids: readonly string[]
  readonly facts: Facts
  readonly filter: (program: Program, question: FilterQuestion, firstBinding: number) => Filter | Promise<Filter>
}
export type Asking = {
  readonly title: string
  readonly subject: EntityValue
  readonly context: ReadonlyMap<string, Value>
}
export type Verdict =
  | {
      readonly kind: 'said'
      readonly differences: readonly string[]
      /** Titles of those whom SQL could not answer, because of what they brought. */
      readonly unanswered: readonly string[]
    }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'broken'; readonly message: string }

const actions = ['look', 'guard', 'lookNot', 'guardNot'] as const
export const now = Date.UTC(2026, 0, 1)
const options = { now }

/** The schema with four rules of one condition: allow and deny, plain and negated. */
export function conditionText(schema: string, condition: string): string {
  const mark = condition.includes('attempt(') ? '@failsOpen\n' : ''
  const rule = (id: string, effect: 'allow' | 'deny', when: string) =>
    `@id("${id}")\n${effect === 'deny' ? mark : ''}${effect} ${id} on item: Item to ${pattern(condition)}\n  when ${when}\n`
  return [
    schema,
    rule('look', 'allow', condition),
    rule('guard', 'deny', condition),
    rule('lookNot', 'allow', `not (${condition})`),
    rule('guardNot', 'deny', `not (${condition})`),
  ].join('\n')
}

export function createConditionCompiler(schema: string): (condition: string) => Program | string {
  let memory: CompileMemory | undefined
  return (condition) => {
    const files = [{ path: 'laboratory.fbac', text: conditionText(schema, condition) }]
    const result = compileProgram(files, memory && { memory })
    memory = result.memory
    const mistakes = result.diagnostics.filter(({ severity }) => severity === 'error')
    return result.program ?? mistakes.map(({ code, message }) => `${code} ${message}`).join('; ')
  }
}
const pattern = (condition: string): string => (/\bperson\b/.test(condition) ? 'person: Person' : 'anyone')

/** One condition over rows: SQL against the interpreter. */
export async function judgeCondition(
  database: Database,
  stand: Stand,
  program: Program,
  over: { readonly askings: readonly Asking[]; readonly ids: readonly string[] },
): Promise<Verdict> {
  const { ids } = over
  const bindings: unknown[] = [ids]
  const columns: string[] = []
  const answered: Asking[] = []
  let refusal = ''
  for (const asking of over.askings) {
    const written = await filtersOf(stand, program, asking, bindings.length + 1)
    if ('message' in written) {
      refusal = written.message
      continue
    }
    bindings.push(...written.bindings)
    columns.push(...written.columns)
    answered.push(asking)
  }
  if (answered.length === 0) return { kind: 'refused', message: refusal }
  const selected = columns.map((sql, index) => `${sql} as c${index}`).join(', ')
  const text = `select t.id as "$id", ${selected} from ${stand.table} t where ${stand.where} and t.id = any($1::text[])`
  let rows: readonly { readonly [name: string]: unknown }[]
  try {
    rows = await database.transaction(() => database.query<{ [name: string]: unknown }>({ name: '', text }, bindings), {
      jit: 'off',
    })
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    return { kind: 'broken', message: `${cause} in ${columns[0]}` }
  }
  const byId = new Map(rows.map((row) => [row.$id, row]))
  const differences = ids.flatMap((id) =>
    answered.flatMap((asking, index) => {
      const found = actions.map((_, at) => byId.get(id)?.[`c${index * actions.length + at}`])
      const wanted = actions.map((action) => decide(program, stand, asking, { action, id }).decision)
      if (found.join() === wanted.join()) return []
      return [`${id} for ${asking.title}: SQL ${truthOf(found)}, interpreter ${truthOf(wanted)}`]
    }),
  )
  const unanswered = over.askings.filter((asking) => !answered.includes(asking)).map(({ title }) => title)
  return { kind: 'said', differences, unanswered }
}

async function filtersOf(
  stand: Stand,
  program: Program,
  { subject, context }: Asking,
  first: number,
): Promise<
  { readonly columns: readonly string[]; readonly bindings: readonly unknown[] } | { readonly message: string }
> {
  const bindings: unknown[] = []
  const columns: string[] = []
  for (const action of actions) {
    const filter = await stand.filter(program, { subject, action, type: 'Item', context }, first + bindings.length)
    if (!filter.ok) return { message: filter.diagnostics[0]?.message ?? '' }
    bindings.push(...filter.bindings)
    columns.push(`(${filter.sql}) is true`)
  }
  return { columns, bindings }
}

/** `look` and `guard` of one condition say which of three it is; the negated ones must say the opposite. */
function truthOf([look, guard, lookNot, guardNot]: readonly unknown[]): string {
  const word = (allow: unknown, unless: unknown) => (allow ? (unless ? 'both' : 'true') : unless ? 'false' : 'E')
  return `${word(look, guard)}/${word(lookNot, guardNot)}`
}

const requestOf = ({ subject, context }: Asking, action: string, id: string): Request => ({
  subject,
  action,
  resource: { kind: 'entity', type: 'Item', id },
  context,
})
const decide = (program: Program, { facts }: Stand, asking: Asking, at: { action: string; id: string }): Decision =>
  interpret(program, facts, requestOf(asking, at.action, at.id), options)

/** Each of subject, action, resource and context known or not: sixteen questions. */
function hiddenOf(request: Request, hidden: number): PartialQuestion {
  const { subject, action, resource, context } = request
  return {
    subject: hidden & 1 ? { kind: 'unknown', type: subject.type } : subject,
    action: hidden & 2 ? undefined : action,
    resource: hidden & 4 ? { kind: 'unknown', type: resource.type } : resource,
    context: hidden & 8 ? new Map() : context,
    ...(hidden & 8 && { unknownContext: 'all' as const }),
  }
}

/** JavaScript, and partial evaluation filled in, against the interpreter: whole decisions. */
export function judgeExecutors(
  stand: Stand,
  program: Program,
  over: { readonly askings: readonly Asking[]; readonly ids: readonly string[] },
): readonly string[] {
  const evaluator = createEvaluator(program)
  const differences: string[] = []
  for (const [row, id] of over.ids.entries()) {
    for (const [index, asking] of over.askings.entries()) {
      for (const [turn, action] of actions.entries()) {
        const request = requestOf(asking, action, id)
        const wanted = text(interpret(program, stand.facts, request, options))
        if (text(evaluator.decide(stand.facts, request, options)) !== wanted)
          differences.push(`${id} for ${asking.title}: JavaScript differs on ${action}`)
        // Every subset for the first row, one subset in turn for the others.
        const subsets = row === 0 ? Array.from({ length: 16 }, (_, each) => each) : [(row + 5 * index + 3 * turn) % 16]
        for (const hidden of subsets) {
          const found = text(filledIn(stand, program, request, hidden))
          if (found !== wanted)
            differences.push(`${id} for ${asking.title}: unknown ${hidden}: ${found}, whole ${wanted}`)
        }
      }
    }
  }
  return differences
}

function filledIn({ facts }: Stand, program: Program, request: Request, hidden: number): Decision | 'limit' {
  const residual = partialEvaluate(program, facts, hiddenOf(request, hidden), options)
  return residual === 'limit' ? residual : completeResidual(program, residual, { facts, request, options })
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each))
