import { createHmac, timingSafeEqual } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type Program, parseProgram, serialiseInSteps, serialiseProgram } from '../../policy-lang/run.ts'

/** What a program was compiled from, for whom, and by which compiler: it is good for nothing else. */
export type ProgramPlace = {
  readonly tenantId: string
  /** Of the composed sources. */
  readonly version: string
  readonly compiler: string
}

/** Raised when the text below changes; a node refuses a form that it does not know (SPEC 7.5). */
const format = 'writ-program-1'

/**
 * A program as text that carries its own proof: `<format>.<HMAC-SHA256>` and the program. What only the compiler needs (tests,
 * proofs) stays behind.
 */
export const sealProgram = (key: Uint8Array, place: ProgramPlace, program: Program): string =>
  sealText(key, place, serialiseProgram(stripped(program)))

/** The same, a few milliseconds at a time: requests are answered in between. */
export async function sealAtLeisure(key: Uint8Array, place: ProgramPlace, program: Program): Promise<string> {
  const writing = serialiseInSteps(stripped(program))
  let rested = performance.now()
  for (;;) {
    const { done, value } = writing.next()
    if (done) return sealText(key, place, value)
    if (performance.now() - rested < workMilliseconds) continue
    await setImmediate()
    rested = performance.now()
  }
}

const workMilliseconds = 5

const stripped = (program: Program): Program => ({ ...program, tests: [], proofs: [] })

const sealText = (key: Uint8Array, place: ProgramPlace, text: string): string =>
  `${format}.${tagOf(key, place, text)}\n${text}`

/** The program; or why it may not run. Nothing of the text is read before its proof holds. */
export function openProgram(
  key: Uint8Array,
  place: ProgramPlace,
  sealed: string,
): Program | 'altered' | 'unknown-format' {
  const end = sealed.indexOf('\n')
  const [name, tag = ''] = sealed.slice(0, Math.max(end, 0)).split('.')
  if (name !== format) return 'unknown-format'
  const text = sealed.slice(end + 1)
  const [wanted, given] = [Buffer.from(tagOf(key, place, text)), Buffer.from(tag)]
  if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return 'altered'
  return parseProgram(text) ?? 'unknown-format'
}

const tagOf = (key: Uint8Array, { tenantId, version, compiler }: ProgramPlace, text: string): string =>
  createHmac('sha256', key)
    .update(`${JSON.stringify([format, tenantId, version, compiler])}\n`)
    .update(text)
    .digest('base64url')
