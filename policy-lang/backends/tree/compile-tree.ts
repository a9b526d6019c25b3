import type { Facts } from '../../entities/facts.ts'
import type { EntityValue, Expr } from '../../ir/nodes.ts'
import { actionKey, type Program, type Rule } from '../../ir/program.ts'
import type { Type } from '../../ir/types.ts'
import { type Branch, partialEvaluate, type ResidualRule } from '../../partial/partial-evaluate.ts'
import { orderedEnum } from '../../runtime/evaluate.ts'
import { fieldTree } from '../../runtime/fields.ts'
import { environmentOf } from '../../runtime/interpret.ts'
import { countsAgainst } from '../../runtime/judge.ts'
import type { Outcome } from '../../runtime/outcome.ts'
import { writeValue } from '../../runtime/write-value.ts'
import { codes, diagnostic } from '../../source/codes.ts'
import type { Diagnostic } from '../../source/diagnostic.ts'
import { createLocate } from '../../source/places.ts'
import type { FilterOptions, FilterQuestion } from '../sql/compile-filter.ts'
import { heldIds } from '../sql/held-ids.ts'
import { type HeldIds, Untranslatable } from '../sql/sql-value.ts'
import type { ConditionTree, TreeNode } from './condition-tree.ts'
import { sayRelation } from './say-relation.ts'
import { typeName } from './type-name.ts'

export type TreeOptions = Omit<FilterOptions, 'source' | 'row' | 'firstBinding' | 'field'>
export type TreeResult =
  | { readonly ok: true; readonly tree: ConditionTree }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] }

/** SPEC 7.8: what `compileFilter` says in SQL, as data; what a tree cannot say is refused at its place. */
export function compileTree(
  program: Program,
  facts: Facts,
  question: FilterQuestion,
  options: TreeOptions,
): TreeResult {
  const { subject, action, type, context, known } = question
  const resource = { kind: 'unknown', type, ...(known && { known }) } as const
  const residual = partialEvaluate(program, facts, { subject, action, resource, context }, options)
  const branch = residual === 'limit' ? undefined : residual.branches[0]
  const declared = program.actions.get(actionKey(action, type))
  if (!branch || !declared) return { ok: true, tree: nothingListed(question) }
  const request = { subject, action, resource: { kind: 'entity', type, id: '' } as const, context }
  const env = environmentOf(program, facts, request, { options, action: declared })
  const diagnostics: Diagnostic[] = []
  const locate = createLocate(program.places)
  const sayRule = (rule: ResidualRule): TreeNode =>
    joined(
      'or',
      rule.entries.map((entry) => {
        const own = { ...env, action: entry.as, effect: rule.rule.effect }
        const held = heldIds(program, { env: own, memory: options.memory, isOpaque: false })
        try {
          return say({ program, subject, settled: entry.settled, held, depth: 0 }, entry.condition)
        } catch (error) {
          if (!(error instanceof Untranslatable)) throw error
          const message = `${rule.rule.id} cannot become a condition tree: ${error.message}`
          diagnostics.push(diagnostic('F7003', locate(error.span ?? rule.rule.span), message))
          return no
        }
      }),
    )
  const condition = whereOf(program, branch, sayRule)
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  return { ok: true, tree: treeOf(question, fieldsOf(program, branch), condition) }
}

/** The tree of a list that nobody is on. */
export const nothingListed = (question: Pick<FilterQuestion, 'action' | 'type'>): ConditionTree =>
  treeOf(question, [], no)

const treeOf = (
  { action, type }: Pick<FilterQuestion, 'action' | 'type'>,
  fields: ConditionTree['fields'],
  condition: TreeNode,
): ConditionTree => ({ version: 1, action, type, fields, condition })

function fieldsOf(program: Program, { rules, resourceType }: Branch): ConditionTree['fields'] {
  if (rules.some(({ rule }) => rule.fields !== undefined)) return 'by row'
  const { leaves, shorten } = fieldTree(program, resourceType)
  return shorten(new Set(leaves))
}

/** An allow that is true, against which no deny is but false, and a field that no masking deny takes (SPEC 5.14, 5.15). */
function whereOf(program: Program, branch: Branch, sayRule: (rule: ResidualRule) => TreeNode): TreeNode {
  const said = new Map(branch.rules.map((rule) => [rule, sayRule(rule)]))
  const silent = (deny: ResidualRule): TreeNode => certain('isFalse', said.get(deny) ?? no)
  const denies = branch.rules.filter(({ rule }) => rule.effect === 'deny')
  const ways = branch.rules
    .filter(({ rule }) => rule.effect === 'allow')
    .map((allow) => {
      const against = denies.filter(({ rule }) => countsAgainst(rule, allow.rule))
      const refusing = against.filter(({ rule }) => rule.fields === undefined).map(silent)
      const masks = against.filter(({ rule }) => rule.fields !== undefined)
      const open = openFields(program, branch.resourceType, { allow: allow.rule, masks, silent })
      return joined('and', [certain('isTrue', said.get(allow) ?? no), ...refusing, open])
    })
  return joined('or', ways)
}

function openFields(
  program: Program,
  type: string,
  from: {
    readonly allow: Rule
    readonly masks: readonly ResidualRule[]
    readonly silent: (deny: ResidualRule) => TreeNode
  },
): TreeNode {
  const tree = fieldTree(program, type)
  if (tree.leaves.length === 0) return yes
  const own = from.allow.fields && (from.allow.fields[type] ?? [])
  const given = tree.leaves.filter((leaf) => own === undefined || own.some((path) => tree.covers(path, leaf)))
  const ways = given.map((leaf) =>
    from.masks.filter(({ rule }) => (rule.fields?.[type] ?? []).some((path) => tree.covers(path, leaf))),
  )
  if (ways.some((taking) => taking.length === 0)) return yes
  return joined(
    'or',
    ways.map((taking) => joined('and', taking.map(from.silent))),
  )
}

const yes: TreeNode = { op: 'value', type: 'Bool', value: true }
const no: TreeNode = { op: 'value', type: 'Bool', value: false }
const isValue = (node: TreeNode, value: boolean): boolean => node.op === 'value' && node.value === value

function joined(op: 'and' | 'or', nodes: readonly TreeNode[]): TreeNode {
  const isAnd = op === 'and'
  const rest = nodes.filter((node) => !isValue(node, isAnd))
  if (rest.some((node) => isValue(node, !isAnd))) return isAnd ? no : yes
  const [first] = rest
  return first === undefined ? (isAnd ? yes : no) : rest.length === 1 ? first : { op, of: rest }
}

function certain(op: 'isTrue' | 'isFalse', of: TreeNode): TreeNode {
  if (of.op !== 'value') return { op, of }
  return isValue(of, op === 'isTrue') ? yes : no
}

type Saying = {
  readonly program: Program
  readonly subject: EntityValue
  readonly settled: ReadonlyMap<Expr, Outcome>
  readonly held: ReturnType<typeof heldIds>
  readonly depth: number
}

/** Nesting that a reader of the tree must bear. */
const deepest = 200

function say(at: Saying, expr: Expr): TreeNode {
  if (at.depth > deepest) throw new Untranslatable(codes.F7002.title, expr.span)
  const inner = { ...at, depth: at.depth + 1 }
  const go = (each: Expr): TreeNode => say(inner, each)
  const settled = at.settled.get(expr)
  if (settled) return sayOutcome(settled, expr.type)
  switch (expr.kind) {
    case 'literal':
      return { op: 'value', type: typeName(expr.type), value: writeValue(expr.value, expr.type) }
    case 'variable':
      if (expr.scope === 'local') return { op: 'local', name: expr.name }
      if (expr.name === 'resource') return { op: 'resource' }
      throw new Untranslatable(`"${expr.name}" is not known when the list is made`, expr.span)
    case 'attribute': {
      if (expr.key) return { op: 'member', of: go(expr.of), key: go(expr.key), type: typeName(expr.type) }
      const { name, optional, safe } = expr
      return { op: 'attribute', of: go(expr.of), name, type: typeName(expr.type), optional, safe }
    }
    case 'and':
    case 'or':
      return { op: expr.kind, of: expr.operands.map(go) }
    case 'not':
      return { op: 'not', of: go(expr.operand) }
    case 'has':
      return { op: 'has', of: go(expr.of) }
    case 'compare': {
      const order = orderedEnum(expr)
      return { op: expr.op, left: go(expr.left), right: go(expr.right), ...(order && expr.op !== 'eq' && { order }) }
    }
    case 'in':
      return { op: inOps[expr.mode], left: go(expr.left), right: go(expr.right) }
    case 'isType':
      return { op: 'is', of: go(expr.operand), types: expr.types }
    case 'if':
      return { op: 'if', test: go(expr.test), yes: go(expr.then), no: go(expr.otherwise) }
    case 'coalesce':
      return { op: 'coalesce', left: go(expr.left), right: go(expr.right) }
    case 'attempt':
      return { op: 'attempt', left: go(expr.operand), right: go(expr.otherwise) }
    case 'let':
      return { op: 'let', name: expr.name, value: go(expr.value), in: go(expr.body) }
    case 'quantifier':
      return { op: expr.quantifier, as: expr.variable, over: go(expr.over), where: go(expr.body) }
    case 'call':
      return { op: 'call', name: expr.name, of: expr.args.map(go), safe: expr.safe === true }
    case 'construct': {
      if (expr.items) return { op: 'set', of: expr.items.map(go) }
      return {
        op: 'record',
        members: Object.fromEntries((expr.fields ?? []).map(({ name, value }) => [name, go(value)])),
      }
    }
    case 'holds':
      return sayHolds(inner, expr)
    case 'permitted':
      return oneOf(inner, expr, at.held.permitted?.(onlyType(inner, expr.of)))
    case 'extern':
      throw new Untranslatable(`the extern "${expr.name}" is asked about what is listed`, expr.span)
  }
}

const inOps = { set: 'in', hierarchy: 'within', ip: 'inRange' } as const

function sayOutcome(outcome: Outcome, type: Type): TreeNode {
  if (outcome.kind === 'value') return { op: 'value', type: typeName(type), value: writeValue(outcome.value, type) }
  return outcome.kind === 'absent' ? { op: 'absent' } : { op: 'error', code: outcome.cause.code }
}

/** Of the one who asks it is known what it holds. An absent entity has no holders (SPEC 3.6). */
function sayHolds(at: Saying, expr: Expr & { readonly kind: 'holds' }): TreeNode {
  const { subject } = at
  const { value } = expr.subject.kind === 'literal' ? expr.subject : { value: undefined }
  const isAsker =
    typeof value === 'object' && value.kind === 'entity' && value.type === subject.type && value.id === subject.id
  if (!isAsker) throw new Untranslatable('a relation of another than the one who asks', expr.span)
  const node = say(at, expr.of)
  const held = sayRelation(at, { node, type: onlyType(at, expr.of) }, expr.relation)
  const mayBeAbsent = node.op === 'attribute' && (node.optional || node.safe)
  return mayBeAbsent ? { op: 'and', of: [{ op: 'has', of: node }, held] } : held
}

function oneOf(at: Saying, expr: Expr & { readonly of: Expr }, held: HeldIds | undefined): TreeNode {
  if (!held) throw new Untranslatable('relations that attributes of what is listed decide', expr.span)
  return { op: 'oneOf', of: say(at, expr.of), ids: held.holds, errors: held.fails }
}

function onlyType({ program }: Saying, expr: Expr): string {
  const types = expr.type.kind === 'entity' ? expr.type.types : []
  const [only] = types
  if (types.length !== 1 || only === undefined || !program.entityTypes.has(only))
    throw new Untranslatable('a relation of one of several types', expr.span)
  return only
}
