import type { Facts } from '../../entities/facts.ts'
import type { EntityValue, Expr, Value } from '../../ir/nodes.ts'
import { actionKey, type Program, type Rule } from '../../ir/program.ts'
import { type Branch, partialEvaluate, type ResidualRule } from '../../partial/partial-evaluate.ts'
import { reduce } from '../../partial/reduce.ts'
import type { EvaluateOptions, Request } from '../../runtime/decision.ts'
import type { Environment } from '../../runtime/evaluate.ts'
import { fieldTree } from '../../runtime/fields.ts'
import { hasType } from '../../runtime/has-type.ts'
import { environmentOf } from '../../runtime/interpret.ts'
import { countsAgainst } from '../../runtime/judge.ts'
import type { Outcome } from '../../runtime/outcome.ts'
import { codes, diagnostic } from '../../source/codes.ts'
import type { Diagnostic } from '../../source/diagnostic.ts'
import { createLocate } from '../../source/places.ts'
import { compileTruth, whereFalse } from './compile-truth.ts'
import { compileValue } from './compile-value.ts'
import { heldIds, type Memory } from './held-ids.ts'
import { quoted, type SqlSource } from './sql-source.ts'
import {
  type Compiling,
  createBindings,
  joinSql,
  type SqlCondition,
  Untranslatable,
  usedBindings,
} from './sql-value.ts'

/** What may be listed, with the type in place of the resource. */
export type FilterQuestion = {
  readonly subject: EntityValue
  readonly action: string
  readonly type: string
  readonly context: ReadonlyMap<string, Value>
  /** Attributes that every row has which is asked about: what hangs on them alone is worked out. */
  readonly known?: ReadonlyMap<string, Value>
}
export type FilterOptions = EvaluateOptions & {
  readonly source: SqlSource
  /** Alias of the listed row in the caller's query; default `t`. */
  readonly row?: string
  /** Number of the first binding; default 1. */
  readonly firstBinding?: number
  /** Relations that memory knows whole are bound as ids, which indexes serve. */
  readonly memory?: Memory
  /** An attribute: only rows of which the caller would be shown it (SPEC 5.15). */
  readonly field?: string
}
/**
 * `sql`: a boolean over the row, TRUE exactly where the decision would allow. `fields`: what the decision would show of each of
 * those rows, where that is the same for all; `'by row'` where a rule that may count says so for itself.
 */
export type Filter =
  | {
      readonly ok: true
      readonly sql: string
      readonly bindings: readonly unknown[]
      readonly fields: readonly string[] | 'by row'
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] }

/** SPEC 7.7: the condition on rows that a check of each would come to; what SQL cannot say is refused at its place. */
export function compileFilter(
  program: Program,
  facts: Facts,
  question: FilterQuestion,
  options: FilterOptions,
): Filter {
  const { subject, action, type, context, known } = question
  const resource = { kind: 'unknown', type, ...(known && { known }) } as const
  const residual = partialEvaluate(program, facts, { subject, action, resource, context }, options)
  const branch = residual === 'limit' ? undefined : residual.branches[0]
  const declared = program.actions.get(actionKey(action, type))
  if (!branch || !declared) return noRow
  const request: Request = { subject, action, resource: { kind: 'entity', type, id: '' }, context }
  const env = environmentOf(program, facts, request, { options, action: declared })
  return filterOf(program, branch, { options, env, subject, isOpaque: false })
}

/** The filter that nothing passes. */
export const noRow: Filter & { readonly ok: true } = { ok: true, sql: 'false', bindings: [], fields: [] }

/** What of the rules for an action and its types no filter could say, whoever asks: for the time of loading. */
export function checkFilter(
  program: Program,
  asked: { readonly subjectType: string; readonly action: string; readonly type: string },
  source: SqlSource,
): readonly Diagnostic[] {
  const declared = program.actions.get(actionKey(asked.action, asked.type))
  const question = {
    subject: { kind: 'unknown', type: asked.subjectType },
    action: asked.action,
    resource: { kind: 'unknown', type: asked.type },
    context: new Map(),
    unknownContext: 'all',
  } as const
  const residual = partialEvaluate(program, nothingKnown, question, { now: 0 })
  const branch = residual === 'limit' ? undefined : residual.branches[0]
  if (!branch || !declared) return []
  const found = filterOf(program, branch, { options: { source, now: 0 }, isOpaque: true })
  return found.ok ? [] : found.diagnostics
}

const nothingKnown: Facts = {
  attribute: () => undefined,
  isWithin: () => false,
  tuplesOf: () => [],
  idsOf: () => [],
  idsNamed: () => [],
  permittingRoles: () => [],
}

type Making = {
  readonly options: FilterOptions
  readonly isOpaque: boolean
  readonly env?: Environment
  readonly subject?: EntityValue
}

function filterOf(program: Program, branch: Branch, making: Making): Filter {
  const row = making.options.row ?? 't'
  const bindings = createBindings(making.options.firstBinding ?? 1)
  const diagnostics: Diagnostic[] = []
  const locate = createLocate(program.places)
  const at = compilingOf(program, branch, making, { row, bindings })
  /** TRUE where an allow is true, or a deny false: one of its entries is, or all of them are. */
  const counted = (rule: ResidualRule): string =>
    joinSql(
      rule.rule.effect === 'allow' ? 'or' : 'and',
      rule.entries.map((entry) => {
        try {
          const own = withEntry(at, making, rule.rule, entry)
          return rule.rule.effect === 'allow'
            ? at.truth(own, entry.condition, 'true')
            : whereFalse(own, entry.condition)
        } catch (error) {
          if (!(error instanceof Untranslatable)) throw error
          const message = `${rule.rule.id} cannot become a filter in SQL: ${error.message}`
          diagnostics.push(diagnostic('F7001', locate(error.span ?? rule.rule.span), message))
          return 'null'
        }
      }),
    )
  const sql = whereOf(program, branch, { counted, field: making.options.field })
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  if (sql.length > largestFilter) {
    const span = branch.rules[0]?.rule.span ?? { file: 0, start: 0, end: 0 }
    return { ok: false, diagnostics: [diagnostic('F7002', locate(span), codes.F7002.title)] }
  }
  const fields = fieldsOf(program, branch)
  return { ok: true, ...usedBindings(sql, bindings.values, making.options.firstBinding ?? 1), fields }
}

function fieldsOf(program: Program, { rules, resourceType }: Branch): readonly string[] | 'by row' {
  if (rules.some(({ rule }) => rule.fields !== undefined)) return 'by row'
  const tree = fieldTree(program, resourceType)
  return tree.shorten(new Set(tree.leaves))
}

/** Characters of SQL that one filter may have. */
const largestFilter = 1_000_000

type Writing = {
  readonly counted: (rule: ResidualRule) => string
  readonly field: string | undefined
}

/**
 * Rows where the decision allows (SPEC 5.14, 5.15): an allow is TRUE, every deny that counts against it FALSE, and a field
 * stays open that no masking deny takes. An erroring deny is NULL, which is not FALSE.
 */
function whereOf(program: Program, branch: Branch, { counted, field }: Writing): string {
  const denies = branch.rules.filter(({ rule }) => rule.effect === 'deny')
  const silent = new Map<ResidualRule, string>()
  const isSilent = (deny: ResidualRule): string => {
    const known = silent.get(deny) ?? counted(deny)
    silent.set(deny, known)
    return known
  }
  const allows = branch.rules.filter(({ rule }) => rule.effect === 'allow')
  const groups = new Map<string, { allows: string[]; rest: string }>()
  for (const allow of allows) {
    const against = denies.filter(({ rule }) => countsAgainst(rule, allow.rule))
    const refusing = against.filter(({ rule }) => rule.fields === undefined).map(isSilent)
    const masks = against.filter(({ rule }) => rule.fields)
    const open = openFields(program, branch.resourceType, { allow: allow.rule, masks, isSilent, field })
    const rest = joinSql('and', [...refusing, open])
    const group = groups.get(rest) ?? { allows: [], rest }
    group.allows.push(counted(allow))
    groups.set(rest, group)
  }
  return joinSql(
    'or',
    [...groups.values()].map((group) => joinSql('and', [joinSql('or', group.allows), group.rest])),
  )
}

/** Is a field left that the allow opens? `field`: is that one? */
function openFields(
  program: Program,
  type: string,
  from: {
    readonly allow: Rule
    readonly masks: readonly ResidualRule[]
    readonly isSilent: (deny: ResidualRule) => string
    readonly field: string | undefined
  },
): string {
  const { allow, masks, isSilent, field } = from
  const tree = fieldTree(program, type)
  if (tree.leaves.length === 0) return 'true'
  const own = allow.fields && (allow.fields[type] ?? [])
  const wanted = tree.leaves.filter((leaf) => field === undefined || tree.covers(field, leaf))
  const given = wanted.filter((leaf) => own === undefined || own.some((path) => tree.covers(path, leaf)))
  const ways = given.map((leaf) => {
    const taking = masks.filter(({ rule }) => (rule.fields?.[type] ?? []).some((path) => tree.covers(path, leaf)))
    return joinSql('and', taking.map(isSilent))
  })
  return joinSql('or', [...new Set(ways)])
}

function compilingOf(
  program: Program,
  branch: Branch,
  { options, env, subject, isOpaque }: Making,
  names: { readonly row: string; readonly bindings: ReturnType<typeof createBindings> },
): Compiling {
  const { row, bindings } = names
  const table = options.source.types.get(branch.resourceType)
  const id = table ? `${row}.${quoted(table.idColumn)}` : 'null::text'
  let depth = 0
  const bounded = <Result>(expr: Expr, write: () => Result): Result => {
    depth += 1
    if (depth > largestWork) throw new Untranslatable('the filter would be too large', expr.span)
    try {
      return write()
    } catch (error) {
      // The innermost expression that cannot be said is the place to tell.
      if (error instanceof Untranslatable && !error.span) throw new Untranslatable(error.message, expr.span)
      throw error
    }
  }
  return {
    program,
    source: options.source,
    now: options.now,
    bindings,
    settled: new Map(),
    isOpaque,
    locals: new Map(),
    resource: {
      shape: 'entity',
      sql: id,
      typeSql: bindings.bind(branch.resourceType, 'text'),
      only: branch.resourceType,
      row,
      missing: undefined,
      fails: undefined,
    },
    condition: () => undefined,
    subject,
    ...heldIds(program, { env, memory: options.memory, isOpaque }),
    value: (at, expr) => bounded(expr, () => compileValue(at, expr)),
    truth: (at, expr, mode) => bounded(expr, () => compileTruth(at, expr, mode)),
  }
}

/** Nodes that are written before the filter is given up. */
const largestWork = 200_000

function withEntry(
  at: Compiling,
  { env, options, isOpaque }: Making,
  rule: Rule,
  entry: { readonly as: string; readonly settled: ReadonlyMap<Expr, Outcome> },
): Compiling {
  const own = env && { ...env, action: entry.as, effect: rule.effect }
  const { permitted } = heldIds(at.program, { env: own, memory: options.memory, isOpaque })
  return { ...at, permitted, settled: entry.settled, condition: (name) => conditionOf(at, own, name) }
}

/** The condition of tuples with the context worked out; its parameters stay (SPEC 3.3). */
function conditionOf({ program }: Compiling, env: Environment | undefined, name: string): SqlCondition | undefined {
  const condition = program.tupleConditions.get(name)
  if (!condition) return undefined
  const params = condition.params.map((param) => {
    const context = env?.context.get(param.name)
    const base = { name: param.name, type: param.field.type, isOptional: param.field.optional }
    return context !== undefined && hasType(context, param.field.type) ? { ...base, context } : base
  })
  if (!env) return { expr: condition.body, settled: new Map(), params }
  const settled = new Map<Expr, Outcome>()
  const locals = new Set(params.map((param) => param.name))
  const unknown = {
    ...{ subject: false, resource: true, attribute: () => true },
    ...{ context: () => false, someContext: false, locals },
  }
  return { expr: reduce(condition.body, { env, unknown, settled }).expr, settled, params }
}
