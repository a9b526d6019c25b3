import nearley from 'nearley'
import type { Token } from '../source/lex.ts'
import { limits } from '../source/limits.ts'
import { type Expected, expectedNow } from './expected.ts'
import { type Derivation, grammars, type ShapeToken, softWords } from './grammars.ts'

/**
 * How to make a tree from tokens, in postfix order: a number ≥ 0 takes that token, a negative number −r−1 applies rule r to
 * the values of its parts. It depends on the tokens' classes alone, so items that differ in names and constants share it.
 */
export type Derived = { readonly steps: Int32Array; readonly parses: number }
/** The token at which no parse could go on, and what could have. */
export type Stuck = { readonly stuckAt: number; readonly expected: Expected }

/** Derivations by token shape. Owned by whoever compiles; dropped with it. */
export type ShapeCache = Map<string, Derived | Stuck>

/** Parses tokens as one item kind, or finds out that the same shape was parsed before. */
export function derive(start: keyof typeof grammars, tokens: readonly Token[], cache: ShapeCache): Derived | Stuck {
  const shape = shapeOf(start, tokens)
  const known = cache.get(shape)
  if (known) return known
  const found = parse(start, tokens)
  if (cache.size < limits.cachedShapes) cache.set(shape, found)
  return found
}

function shapeOf(start: string, tokens: readonly Token[]): string {
  let shape = start
  for (const token of tokens) shape += ` ${classOf(token)}`
  return shape
}

/** A name is its text only where a rule might ask for that text. */
function classOf(token: Token): string {
  const isName = token.type === 'lower' || token.type === 'upper'
  return isName && softWords.has(token.text) ? `=${token.text}` : token.type
}

function parse(start: keyof typeof grammars, tokens: readonly Token[]): Derived | Stuck {
  const parser = startParser(start, tokens)
  try {
    parser.feed('')
  } catch (thrown) {
    // nearley throws an Error with the number of the token; anything else is a bug in a rule.
    if (thrown instanceof Error && 'offset' in thrown && typeof thrown.offset === 'number') {
      return { stuckAt: thrown.offset, expected: expectedNow(parser) }
    }
    throw thrown
  }
  // Every rule but the pass-through ones answers a `Derivation`, and no start symbol is passed through a token.
  const results: readonly Derivation[] = parser.results
  const [first] = results
  return first
    ? { steps: flatten(first), parses: results.length }
    : { stuckAt: tokens.length, expected: expectedNow(parser) }
}

/** What may stand after the first tokens of an item, all of which parse. */
export function expectedAfter(start: keyof typeof grammars, tokens: readonly Token[]): Expected {
  const parser = startParser(start, tokens)
  parser.feed('')
  return expectedNow(parser)
}

/** A nearley parser over tokens that were read before; it keeps the last column of its table only. */
function startParser(start: keyof typeof grammars, tokens: readonly Token[]) {
  let next = 0
  const lexer = {
    reset: () => {},
    save: () => ({}),
    formatError: () => '',
    next(): ({ value: string } & ShapeToken) | undefined {
      const token = tokens[next]
      if (!token) return undefined
      const index = next
      next += 1
      return { type: token.type, text: token.text, value: token.text, index }
    },
  }
  const parser = new nearley.Parser(grammars[start], { lexer })
  // nearley's own message walks every state stack of the table, which is slow and which nobody reads.
  return Object.assign(parser, { reportError: () => 'syntax' })
}

function flatten(root: Derivation): Int32Array {
  // Written backwards (node, then children from the right) without recursion, then turned round: postfix order.
  const steps: number[] = []
  const stack: (Derivation | ShapeToken)[] = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    if ('rule' in node) {
      steps.push(-node.rule - 1)
      stack.push(...node.children)
    } else {
      steps.push(node.index)
    }
  }
  return Int32Array.from(steps.reverse())
}
