import { type Program, type ReadRequest, readRequest } from '../../../policy-lang/index.ts'
import type { JsonValue } from '../decision-point.ts'

export type JsonObject = { readonly [name: string]: JsonValue }

export const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

/**
 * One evaluation, typed against the program; or what is wrong with its form (AuthZEN 1.0 §6, the parts that `readRequest`
 * is more lenient about: nobody is anonymous here, and an action is an object).
 */
export function readEvaluation(program: Program, json: JsonValue): Extract<ReadRequest, { ok: true }> | string {
  if (!isObject(json)) return 'the request is not an object'
  const mistake =
    entityMistake(json.subject, 'subject') ?? entityMistake(json.resource, 'resource') ?? actionMistake(json.action)
  if (mistake !== undefined) return mistake
  if (json.context !== undefined && !isObject(json.context)) return 'context is not an object'
  const read = readRequest(program, json)
  return read.ok ? read : read.message
}

function entityMistake(json: JsonValue | undefined, name: string): string | undefined {
  if (json === undefined) return `${name} is missing`
  if (!isObject(json)) return `${name} is not an object`
  if (typeof json.type !== 'string') return `${name}.type must be a string`
  if (typeof json.id !== 'string') return `${name}.id must be a string`
  return propertiesMistake(json, name)
}

function actionMistake(json: JsonValue | undefined): string | undefined {
  if (json === undefined) return 'action is missing'
  if (!isObject(json)) return 'action is not an object'
  if (typeof json.name !== 'string') return 'action.name must be a string'
  return propertiesMistake(json, 'action')
}

const propertiesMistake = (json: JsonObject, name: string): string | undefined =>
  json.properties === undefined || isObject(json.properties) ? undefined : `${name}.properties is not an object`
