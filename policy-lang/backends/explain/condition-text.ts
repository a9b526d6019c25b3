import { formatDecimal } from '../../builtins/decimal-text.ts'
import { formatIp } from '../../builtins/ip-range.ts'
import { builtinByName } from '../../builtins/table.ts'
import type { EntityValue, Expr, Value } from '../../ir/nodes.ts'
import type { Type } from '../../ir/types.ts'

/** An expression in the language, `subject` and `resource` for the author's names: equal texts mean the same. */
export function conditionText(expr: Expr): string {
  switch (expr.kind) {
    case 'literal':
      return valueText(expr.value, expr.type)
    case 'variable':
      return expr.name === 'action' && expr.scope === 'request' ? 'action.name' : expr.name
    case 'let':
      return `(${expr.name} = ${conditionText(expr.value)}: ${conditionText(expr.body)})`
    case 'attribute': {
      if (expr.key) return `${operand(expr.of)}[${conditionText(expr.key)}]`
      return `${operand(expr.of)}${expr.safe ? '?.' : '.'}${expr.name}`
    }
    case 'has':
      return `has ${operand(expr.of)}`
    case 'coalesce':
      return `${operand(expr.left)} ?? ${operand(expr.right)}`
    case 'not':
      return `not ${operand(expr.operand)}`
    case 'and':
    case 'or':
      return expr.operands.map(operand).join(` ${expr.kind} `)
    case 'if':
      return `if ${operand(expr.test)} then ${operand(expr.then)} else ${operand(expr.otherwise)}`
    case 'compare':
      return `${operand(expr.left)} ${signs[expr.op]} ${operand(expr.right)}`
    case 'in':
      return `${operand(expr.left)} in ${operand(expr.right)}`
    case 'holds':
      return `${operand(expr.subject)} in ${operand(expr.of)}.${expr.relation}`
    case 'permitted':
      return `permitted of ${operand(expr.of)}`
    case 'isType':
      return `${operand(expr.operand)} is ${expr.types.join(' | ')}`
    case 'call':
      return callText(expr.name, expr.args, expr.safe === true)
    case 'extern':
      return `${expr.name}(${expr.args.map(conditionText).join(', ')})`
    case 'quantifier':
      return `${expr.quantifier}(${expr.variable} in ${conditionText(expr.over)}: ${conditionText(expr.body)})`
    case 'construct':
      return expr.fields
        ? `{ ${expr.fields.map(({ name, value }) => `${name}: ${conditionText(value)}`).join(', ')} }`
        : `[${(expr.items ?? []).map(conditionText).join(', ')}]`
    case 'attempt':
      return `attempt(${conditionText(expr.operand)}, ${conditionText(expr.otherwise)})`
  }
}

/** For people: locals of inlined functions lose the number that made them unique, and nothing runs on for pages. */
export function shownText(text: string): string {
  const plain = text.replace(/\$\d+/g, '')
  return plain.length <= longestText ? plain : `${plain.slice(0, longestText)}…`
}
const longestText = 500

export const entityText = ({ type, id }: EntityValue): string => `${type}::${JSON.stringify(id)}`

const signs = { eq: '==', lt: '<', le: '<=' } as const
const closed: ReadonlySet<Expr['kind']> = new Set([
  'literal',
  'variable',
  'let',
  'attribute',
  'extern',
  'quantifier',
  'construct',
  'attempt',
])

function operand(expr: Expr): string {
  const isClosed =
    closed.has(expr.kind) || (expr.kind === 'call' && builtinByName.get(expr.name)?.receiver !== 'operator')
  return isClosed ? conditionText(expr) : `(${conditionText(expr)})`
}

function callText(name: string, args: readonly Expr[], isSafe: boolean): string {
  const builtin = builtinByName.get(name)
  const [first, ...rest] = args
  if (!builtin || !first || builtin.receiver === 'name') return `${name}(${args.map(conditionText).join(', ')})`
  if (builtin.receiver === 'operator') {
    return rest.length === 0 ? `-${operand(first)}` : args.map(operand).join(` ${builtin.method} `)
  }
  const called = `${operand(first)}${isSafe ? '?.' : '.'}${builtin.method}`
  return rest.length === 0 ? called : `${called}(${rest.map(conditionText).join(', ')})`
}

function valueText(value: Value, type: Type | undefined): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return scalarText(value, type)
  switch (value.kind) {
    case 'entity':
      return entityText(value)
    case 'ip':
      return `ip(${JSON.stringify(formatIp(value))})`
    case 'set':
      return `[${value.items.map((item) => valueText(item, type?.kind === 'set' ? type.of : undefined)).join(', ')}]`
    case 'map':
      return `{${membersText(value.entries, () => (type?.kind === 'map' ? type.of : undefined))}}`
    case 'record':
      return `{${membersText(value.fields, (name) => (type?.kind === 'record' ? type.fields[name]?.type : undefined))}}`
  }
}

const membersText = (members: ReadonlyMap<string, Value>, typeOf: (name: string) => Type | undefined): string =>
  [...members].map(([name, member]) => ` ${name}: ${valueText(member, typeOf(name))}`).join(',')

function scalarText(value: boolean | number | bigint, type: Type | undefined): string {
  if (typeof value === 'boolean') return String(value)
  if (type?.kind === 'time') return new Date(Number(value)).toISOString().replace('.000Z', 'Z')
  if (type?.kind === 'decimal') return formatDecimal(value)
  return type?.kind === 'duration' ? durationText(BigInt(value)) : value.toString()
}

function durationText(milliseconds: bigint): string {
  const units = [
    ['w', 604_800_000n],
    ['d', 86_400_000n],
    ['h', 3_600_000n],
    ['m', 60_000n],
    ['s', 1000n],
  ] as const
  const [unit, size] = units.find(([, length]) => milliseconds !== 0n && milliseconds % length === 0n) ?? ['ms', 1n]
  return `${milliseconds / size}${unit}`
}
