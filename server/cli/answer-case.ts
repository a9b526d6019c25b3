import { compileProgram, type Json } from '../../policy-lang/index.ts'
import { answerRequest } from './answer-request.ts'
import { policyText } from './read-policies.ts'
import { isFields, isList, makeWorld, type Refused, readNow } from './world.ts'

export type CaseAnswer =
  | { readonly id: Json; readonly status: 'ok'; readonly answers: readonly Json[] }
  | { readonly id: Json; readonly status: 'refused'; readonly refusals: readonly Refused[] }
  | { readonly id: Json; readonly status: 'failed'; readonly error: string }

/** Answers one line of a batch. A bad case is refused, a defect of ours is `failed`; neither stops the batch. */
export function answerCase(json: Json, now: number): CaseAnswer {
  const id = isFields(json) ? (json.id ?? null) : null
  if (!isFields(json)) return refuse(id, 'invalid-case', 'a case is an object')
  try {
    return answerFields(id, json, now)
  } catch (error) {
    return { id, status: 'failed', error: error instanceof Error ? error.message : String(error) }
  }
}

function answerFields(id: Json, json: { readonly [name: string]: Json }, now: number): CaseAnswer {
  const { language, files, data, requests } = json
  if (language !== 'fbac') {
    const name = typeof language === 'string' ? language : JSON.stringify(language)
    return refuse(id, 'language-not-supported', `this version answers cases of language "fbac", not "${name}"`)
  }
  if (!isFields(files) || !isList(requests)) return refuse(id, 'invalid-case', 'a case needs files and requests')
  const texts = Object.entries(files)
  const wrong = texts.find(([, text]) => typeof text !== 'string')
  if (wrong) return refuse(id, 'invalid-case', `files.${wrong[0]} is not a text`)
  const at = readNow(json.now, now)
  if (at === undefined) return refuse(id, 'invalid-case', 'now is not an RFC 3339 time')
  const policies = texts.map(([name, text]) => policyText(name.endsWith('.fbac') ? name : `${name}.fbac`, String(text)))
  const made = makeWorld(compileProgram(policies), data, at)
  if (!made.ok) return { id, status: 'refused', refusals: made.refusals }
  return { id, status: 'ok', answers: requests.map((request) => answerRequest(made.world, request)) }
}

const refuse = (id: Json, code: string, message: string): CaseAnswer => ({
  id,
  status: 'refused',
  refusals: [{ code, message }],
})
