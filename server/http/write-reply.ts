import { Readable } from 'node:stream'
import type { JsonValue } from '../decision/decision-point.ts'
import type { WebContext } from './mount.ts'
import type { Reply } from './route.ts'

/** Puts a handler's reply on the context; koa sends it, leaves out the body for HEAD, and ends streams with the socket. */
export function writeReply(context: WebContext, reply: Reply, successStatus: number | undefined): void {
  const { body, headers = {} } = reply
  for (const [name, value] of Object.entries(headers)) context.set(name, value)
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  if (body === undefined) {
    context.status = reply.status ?? successStatus ?? 204
    context.body = null
    return
  }
  context.status = reply.status ?? successStatus ?? 200
  if (body instanceof Readable) {
    if (context.method === 'HEAD') body.destroy()
    else context.body = body
    if (!hasType) context.type = 'application/octet-stream'
    return
  }
  if (body instanceof Uint8Array) {
    if (!hasType) context.type = 'application/octet-stream'
    context.body = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return
  }
  if (!hasType) context.set('content-type', 'application/json; charset=utf-8')
  context.body = Buffer.from(jsonText(body))
}

/** JSON with integers beyond 2^53 written exactly. */
export function jsonText(value: JsonValue): string {
  try {
    return JSON.stringify(value)
  } catch {
    // Only a BigInt cannot be written (ECMA-262 §25.5.2.2); asking each member first would cost every answer.
    return exactText(value)
  }
}

function exactText(value: JsonValue): string {
  return JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? rawJson(member.toString()) : member))
}

// ES2026 JSON.rawJSON, in Node since 21; the lib of TypeScript does not declare it yet.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
