import { diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import { hardWords, type Token } from '../source/lex.ts'
import type { SourceFile } from '../source/span.ts'
import { suggest } from '../source/suggest.ts'
import { expectedAfter, type Stuck as StuckShape } from './derive.ts'
import type { Expected } from './expected.ts'
import type { grammars } from './grammars.ts'

type Stuck = {
  readonly tokens: readonly Token[]
  readonly at: number
  readonly expected: Expected
  /** What could have stood in place of the token before. */
  readonly expectedBefore: Expected
}
/** What stood before is found by parsing again, which is not done for a hostile item of any length. */
const looksBackTokens = 2000
const nothing: Expected = { keys: new Set(), keywords: [], said: [] }

type Advice = { readonly code?: 'F1025'; readonly message?: string; readonly help?: string }

/** Says in words where a parse got stuck, what could have stood there, and what was probably meant. */
export function explainStuck(
  source: SourceFile,
  start: keyof typeof grammars,
  tokens: readonly Token[],
  { stuckAt: at, expected }: StuckShape,
): Diagnostic {
  const isNear = at > 0 && at <= looksBackTokens
  const expectedBefore = isNear ? expectedAfter(start, tokens.slice(0, at - 1)) : nothing
  const stuck: Stuck = { tokens, at, expected, expectedBefore }
  const token = tokens[at]
  const said = list(expected.said)
  if (!token) {
    const last = tokens.at(-1)
    const span = { file: source.id, start: last?.start ?? 0, end: last?.end ?? 0 }
    const what = start === 'expression' ? 'expression' : 'item'
    return diagnostic('F1022', span, `this ${what} ends too early: expected ${said}`, {
      help: misspeltBefore(stuck)?.help,
    })
  }
  const advice = advices.map((advise) => advise(stuck, token)).find((one) => one !== undefined)
  const span = { file: source.id, start: token.start, end: token.end }
  const shown = token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text
  const ending = said === '' ? 'the item should end here' : `expected ${said}`
  const message = advice?.message ?? `unexpected \`${shown}\`: ${ending}`
  return diagnostic(advice?.code ?? 'F1021', span, message, { help: advice?.help })
}

/** ORDER: the first that knows what was meant speaks. */
const advices: readonly ((stuck: Stuck, token: Token) => Advice | undefined)[] = [
  comparisonChain,
  bareQuantifier,
  looseNot,
  assignment,
  misspelt,
  misspeltBefore,
  wrongCase,
  reservedWord,
]

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', 'is', 'not'])

/** `a < b < c` */
function comparisonChain({ tokens, at, expected }: Stuck, token: Token): Advice | undefined {
  if (!comparisons.has(token.type) || expected.keys.has(token.type)) return undefined
  let depth = 0
  for (let index = at - 1; index >= 0; index -= 1) {
    const type = tokens[index]?.type ?? ''
    if (type === ')' || type === ']' || type === '}') depth += 1
    else if (type === '(' || type === '[' || type === '{') depth -= 1
    if (depth < 0 || (depth === 0 && boundaries.has(type))) return undefined
    if (depth === 0 && index < at - 1 && comparisons.has(type)) {
      return {
        code: 'F1025',
        message: `a second comparison \`${token.text}\` cannot follow the first`,
        help: 'join two comparisons with `and`: `a < b and b < c`',
      }
    }
  }
  return undefined
}

const boundaries: ReadonlySet<string> = new Set(['and', 'or', 'when', 'unless', 'if', 'then', 'else', ',', ':', '='])

/** `any d in xs: …` without parentheses */
function bareQuantifier({ tokens, at, expected }: Stuck): Advice | undefined {
  const before = tokens[at - 1]?.type
  if (!(before === 'any' || before === 'all' || before === 'count') || !expected.keys.has('(')) return undefined
  return {
    message: `\`${before}\` needs parentheses here`,
    help: `write \`${before}(x in xs: …)\`: without them its body has no end`,
  }
}

/** `a == not b`: `not` is looser than what stands around it. */
function looseNot({ expected }: Stuck, token: Token): Advice | undefined {
  if (!(token.type === 'not' || token.type === 'if') || !expected.keys.has('(')) return undefined
  return { help: `put parentheses around it: \`(${token.type} …)\`` }
}

/** `a = b` for a comparison */
function assignment({ expected }: Stuck, token: Token): Advice | undefined {
  return token.type === '=' && expected.keys.has('==') ? { help: 'to compare, write `==`' } : undefined
}

function misspelt({ expected }: Stuck, token: Token): Advice | undefined {
  if (!isWord(token)) return undefined
  const meant = suggest(token.text, expected.keywords)
  return meant === undefined ? undefined : { help: `did you mean \`${meant}\`?` }
}

/** `relaton viewer: User`: the misspelt word passed for a name, and the next could not follow it. */
function misspeltBefore({ tokens, at, expectedBefore }: Stuck): Advice | undefined {
  const before = tokens[at - 1]
  if (before?.type !== 'lower' || before.text.length < 3) return undefined
  const meant = suggest(before.text, expectedBefore.keywords)
  return meant === undefined ? undefined : { help: `did you mean \`${meant}\` in place of \`${before.text}\`?` }
}

function wrongCase({ tokens, at, expected, expectedBefore }: Stuck, token: Token): Advice | undefined {
  if (token.type === 'lower' && expected.keys.has('upper') && !expected.keys.has('lower')) {
    return upperCase(token)
  }
  const before = tokens[at - 1]
  if (before?.type === 'lower' && expectedBefore.keys.has('upper') && expected.keys.has(':')) return upperCase(before)
  if (token.type === 'upper' && expected.keys.has('lower') && !expected.keys.has('upper')) {
    const wire = '`@wire("…")` gives another spelling in data'
    return { help: `names that are not types begin lower-case; ${wire}` }
  }
  return undefined
}

const upperCase = ({ text }: Token): Advice => ({
  help: `types begin upper-case: \`${text.charAt(0).toUpperCase()}${text.slice(1)}\``,
})

function reservedWord({ expected }: Stuck, token: Token): Advice | undefined {
  if (!hardWords.has(token.type) || !expected.keys.has('lower')) return undefined
  return { help: `\`${token.text}\` is a reserved word and cannot be a name here` }
}

const isWord = (token: Token) => /^[A-Za-z_]/.test(token.text)

function list(said: readonly string[]): string {
  if (said.length <= 1) return said[0] ?? ''
  const shown = said.length > 8 ? [...said.slice(0, 7), 'something else'] : said
  return `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`
}
