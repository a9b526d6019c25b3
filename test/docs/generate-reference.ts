import { writeFileSync } from 'node:fs'
import type { Builtin, Receiver } from '../../policy-lang/builtins/builtin.ts'
import { builtins } from '../../policy-lang/builtins/table.ts'
import { typeText } from '../../policy-lang/check/type-text.ts'
import { allRules, itemKinds } from '../../policy-lang/grammar/items.ts'
import type { GrammarSymbol } from '../../policy-lang/grammar/notation.ts'
import { codes, compileProgram, type FieldType, type Program, type Type } from '../../policy-lang/index.ts'
import { limits as decisionLimits } from '../../policy-lang/runtime/limits.ts'
import { hardWords } from '../../policy-lang/source/lex.ts'
import { limits as sourceLimits } from '../../policy-lang/source/limits.ts'
import { errorsPage, generateErrors } from './generate-errors.ts'

// Makes docs/policies/reference.md from the compiler's own tables, and docs/errors.md: `node launch.mjs test/docs/generate-reference.ts`.

export const referencePage = new URL('../../docs/policies/reference.md', import.meta.url)

export function generateReference(): string {
  const { program } = compileProgram([{ path: 'none.fbac', text: 'action read on Tenant by User\n' }])
  if (!program) throw new Error('the empty policy does not compile')
  return `${[
    '# Reference',
    'Generated from the compiler by `test/docs/generate-reference.ts`; do not edit. The rules behind it: [SPEC.md](../../policy-lang/SPEC.md).',
    '## Words',
    `Hard words, names nowhere but after \`.\` and before \`:\` in braces: ${coded([...hardWords].sort())}.`,
    `Words with a meaning in their place, names elsewhere: ${coded(softWords())}.`,
    `Items begin with: ${coded(Object.keys(itemKinds))}.`,
    '## Built-ins',
    ...builtinSections(),
    '## Standard context',
    'Every action has these besides its own arguments; `?` means: guard it before use.',
    fieldTable(standardContext(program)),
    '## Types of `writ:identity`',
    'Always there; `extend entity` adds to them.',
    identityTypes(program),
    '## Advice',
    adviceTable(program),
    '## Limits',
    limitTable('of source text', sourceLimits, sourceWords),
    limitTable('of one decision (code `limit`)', decisionLimits, decisionWords),
    '## Diagnostics',
    'Stable codes; none is given a second meaning.',
    codeTable(),
  ].join('\n\n')}\n`
}

const coded = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(' ')
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const cell = (text: string): string => text.replaceAll('|', '\\|')

/** Every word that some rule of the grammar names and that is not a hard word. */
function softWords(): readonly string[] {
  const found = new Set<string>()
  const visit = (symbols: readonly GrammarSymbol<unknown>[]) => {
    for (const symbol of symbols) {
      if (symbol.kind === 'nonterminal') for (const rule of symbol.rules ?? []) visit(rule.symbols)
      else if (symbol.literal !== undefined && /^[A-Za-z]/.test(symbol.literal)) found.add(symbol.literal)
    }
  }
  for (const rule of allRules) visit(rule.symbols)
  return [...found].sort()
}

const samples: readonly Type[] = [
  ...(['bool', 'int', 'decimal', 'string', 'time', 'duration', 'ip'] as const).map((kind) => ({ kind })),
  { kind: 'set', of: { kind: 'int' } },
]

/** What the built-in accepts, found by asking its own signature. */
function signaturesOf(builtin: Builtin): readonly string[] {
  const count = builtin.parameters + (builtin.receiver === 'name' || builtin.receiver === 'operator' ? 0 : 1)
  const operands = builtin.receiver === 'operator' && builtin.name !== 'negate' ? 2 : count
  const lists = Array.from({ length: Math.max(operands, 1) }).reduce<readonly (readonly Type[])[]>(
    (found) => found.flatMap((types) => samples.map((type) => [...types, type])),
    [[]],
  )
  return lists.flatMap((types) => {
    const result = builtin.signature(types)
    return result ? [written(builtin, types.map(typeText), typeText(result))] : []
  })
}

function written({ method, receiver }: Builtin, [first = '', ...rest]: readonly string[], result: string): string {
  if (receiver === 'operator') return `${rest.length > 0 ? `${first} ${method} ${rest[0]}` : `-${first}`}: ${result}`
  if (receiver === 'name') return `${method}(${first}): ${result}`
  return `${first}.${method}${rest.length > 0 ? `(${rest.join(', ')})` : ''}: ${result}`
    .replaceAll('<Int>', '<T>')
    .replace('(Int)', '(T)')
}

const receivers: readonly { readonly kind: Receiver; readonly title: string }[] = [
  { kind: 'operator', title: 'Arithmetic' },
  { kind: 'string', title: 'String and enums' },
  { kind: 'time', title: 'Time' },
  { kind: 'ip', title: 'Ip' },
  { kind: 'set', title: 'Set' },
  { kind: 'name', title: 'From literals' },
]

function builtinSections(): readonly string[] {
  const left = new Set(builtins)
  const sections = receivers.map(({ kind, title }) => {
    const rows = builtins.filter((row) => row.receiver === kind)
    for (const row of rows) left.delete(row)
    return `### ${title}\n\n${table(
      ['signature', 'meaning'],
      rows.map((row) => [
        signaturesOf(row)
          .map((text) => `\`${cell(text)}\``)
          .join('<br>'),
        cell(row.docs),
      ]),
    )}`
  })
  if (left.size > 0) throw new Error(`no section for ${[...left].map((row) => row.name).join(', ')}`)
  return sections
}

function standardContext(program: Program): readonly [string, FieldType][] {
  const [action] = program.actions.values()
  return Object.entries(action?.context.fields ?? {})
}

const fieldTable = (fields: readonly [string, FieldType][]): string =>
  table(
    ['name', 'type'],
    fields.map(([name, field]) => [`\`${name}${field.optional ? '?' : ''}\``, `\`${cell(typeText(field.type))}\``]),
  )

function identityTypes(program: Program): string {
  return [...program.entityTypes.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((type) => {
      const attributes = [...type.attributes.values()].map(
        (each) => `\`${each.name}${each.optional ? '?' : ''}: ${typeText(each.type)}\`${each.link ? ' (link)' : ''}`,
      )
      const relations = [...type.relations.values()].map((each) => `\`${each.name}\``)
      const parts = [attributes.join(', '), relations.length > 0 ? `relations ${relations.join(', ')}` : '']
      return `- **${type.name}**: ${parts.filter((part) => part !== '').join('; ') || 'no attributes'}`
    })
    .join('\n')
}

const adviceTable = (program: Program): string =>
  table(
    ['advice', 'arguments'],
    [...program.advice]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, fields]) => [
        `\`${name}\``,
        Object.entries(fields.params)
          .map(([argument, field]) => `\`${argument}${field.optional ? '?' : ''}: ${cell(typeText(field.type))}\``)
          .join(', '),
      ]),
  )

const sourceWords: { readonly [limit in keyof typeof sourceLimits]: string } = {
  sourceLength: 'characters (UTF-16 units) of a file',
  lineLength: 'characters of a line',
  itemsPerFile: 'items of a file',
  tokensPerItem: 'tokens of an item',
  bracketDepth: 'brackets inside brackets',
  treeDepth: 'operators of an expression',
  errorsPerFile: 'errors of a file, after which the rest is not read',
  cachedShapes: 'shapes of items that the compiler remembers (no limit of the language)',
  nodesPerRule: 'nodes of a rule once its functions are expanded',
  declarationDepth: 'declarations built on each other',
  partsOfType: 'parts of a type once the types that it names are expanded',
  rulesPerSet: 'rules of a composed set',
}
const decisionWords: { readonly [limit in keyof typeof decisionLimits]: string } = {
  steps: 'nodes evaluated',
  relationDepth: 'relations inside relations',
  setSize: 'members of a set that a quantifier runs over',
}

const limitTable = <K extends string>(
  title: string,
  values: { readonly [limit in K]: number },
  words: { readonly [limit in K]: string },
): string =>
  table(
    [title, 'at most'],
    (Object.keys(words) as K[]).map((limit) => [words[limit], values[limit].toLocaleString('en-US')]),
  )

const codeTable = (): string =>
  table(
    ['code', 'severity', 'says'],
    Object.entries(codes).map(([code, { severity, title }]) => [code, severity, title]),
  )

if (process.argv[1] !== undefined && import.meta.url === `file://${process.argv[1]}`) {
  writeFileSync(referencePage, generateReference())
  writeFileSync(errorsPage, await generateErrors())
}
