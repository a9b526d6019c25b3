import { commonPasswords } from './common-passwords.ts'
import { identityErrors } from './errors.ts'

/** By code point (people.md §3): 15 where the password stands alone; no composition rules, no forced change. */
const shortest = 15
const longest = 256

/** The floor for a password that an administrator states for somebody (NIST 800-63B-4 §3.1.1.2: 8 at least, ever). */
const shortestAssigned = 8

/**
 * The rule for passwords that arrive with an administrator's documents: the administrator vouches for them, as for a hash that
 * is imported, so phrases made of names pass; what everybody guesses first does not. Throws the refusal that says why.
 */
export function checkAssignedPassword(password: string): void {
  checkLength(password, shortestAssigned)
  if (commonPasswords().includes(simplify(password))) throw tooCommon()
}

/** Throws the refusal that says why. `about`: the person's own names and addresses, which make poor passwords. */
export function checkNewPassword(password: string, about: readonly string[]): void {
  checkLength(password, shortest)
  if (isGuessable(password, about)) throw tooCommon()
}

function checkLength(password: string, least: number): void {
  const length = [...password.normalize('NFC')].length
  if (length < least) throw identityErrors.password_too_short({ detail: `Use at least ${least} characters.` })
  if (length > longest) throw identityErrors.password_too_long({ detail: `Use at most ${longest} characters.` })
}

const tooCommon = () =>
  identityErrors.password_too_common({
    detail: 'It is a common password, a simple pattern, or your own name. Use another.',
  })

/**
 * Common passwords are short, and ours are long: what has to be refused is a common one repeated, padded with digits or
 * signs, or two of them strung together, as well as runs and the person's own names. Three different words are a phrase.
 */
export function isGuessable(password: string, about: readonly string[]): boolean {
  const plain = simplify(password)
  if (new Set(plain).size < 5 || isRun(plain)) return true
  const names = about
    .flatMap((text) => [text, ...text.split(/[@.\s_-]+/)])
    .map(simplify)
    .filter((name) => name.length >= 4)
  const words = new Set([...commonPasswords(), ...names])
  if (words.has(plain)) return true
  const { left, used } = cover(plain.replace(/\d+$/, ''), words)
  return left < 5 && used.size <= 2
}

/** Lower case letters and digits; spaces and signs dropped. */
function simplify(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}

/** The common words of four letters or more that stand in `text`, longest first, and how many characters they leave. */
function cover(
  text: string,
  words: ReadonlySet<string>,
): { readonly left: number; readonly used: ReadonlySet<string> } {
  const used = new Set<string>()
  let position = 0
  let left = 0
  while (position < text.length) {
    const length = longestWordAt(text, position, words)
    if (length === 0) left += 1
    else used.add(text.slice(position, position + length))
    position += Math.max(1, length)
  }
  return { left, used }
}

function longestWordAt(text: string, position: number, words: ReadonlySet<string>): number {
  for (let length = Math.min(20, text.length - position); length >= 4; length -= 1) {
    if (words.has(text.slice(position, position + length))) return length
  }
  return 0
}

const runs = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiopasdfghjklzxcvbnm',
  'qazwsxedcrfvtgbyhnujmikolp',
]

/** Steps along the alphabet, the digits or the keyboard, in either direction. */
function isRun(plain: string): boolean {
  let steps = 0
  for (let index = 1; index < plain.length; index += 1) {
    const pair = plain.slice(index - 1, index + 1)
    const back = [...pair].reverse().join('')
    if (pair[0] === pair[1] || runs.some((run) => run.includes(pair) || run.includes(back))) steps += 1
  }
  return steps >= plain.length - 3
}
