import type { Readable } from 'node:stream'
import { z } from 'zod'
import { parseStrictJson } from '../../policy-lang/index.ts'
import type { Actor } from '../events/unit-of-work.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { createEntityRows } from './entity-store.ts'
import { limits } from './limits.ts'
import { type EntityMistake, type GivenEntity, readEntityInput } from './read-entity.ts'
import { type Admin, entity } from './request.ts'
import { entityShape } from './tuple-shapes.ts'

const rowShape = z.strictObject({
  type: z.string().min(1).max(200),
  id: entityShape.shape.id,
  attributes: z.record(z.string().max(200), z.unknown()).default({}),
  parents: z.array(entityShape).max(100).default([]),
})
type Row = { readonly line: number; readonly uid: ReturnType<typeof entity>; readonly given: GivenEntity }
type Mistake = EntityMistake & { readonly line: number }

/**
 * Reads lines as they come and writes 500 at a time, each batch whole or not at all; yields one report line a batch
 * (`{batch, fromLine, written, errors}`) and a last one with the sums, so that a caller sees progress.
 */
export async function* importEntities(
  admin: Admin,
  { scope, stream }: { readonly scope: RequestScope; readonly stream: Readable },
  actor: Actor,
): AsyncGenerator<string> {
  const total = { lines: 0, written: 0, unchanged: 0, refused: 0 }
  let batch: (Row | Mistake)[] = []
  const seen = new Map<string, number>()
  let number = 0
  const flush = async () => {
    number += 1
    const { written, unchanged, errors } = await writeBatch(admin, scope, actor, batch)
    total.written += written
    total.unchanged += unchanged
    if (errors.length > 0) total.refused += batch.length
    const report = {
      batch: number,
      fromLine: batch[0]?.line ?? 0,
      written,
      unchanged,
      errors: errors.slice(0, limits.importReportLines),
    }
    batch = []
    return `${JSON.stringify(report)}\n`
  }
  for await (const text of linesOf(stream)) {
    total.lines += 1
    if (text.trim() !== '') batch.push(onlyOnce(readRow(text, total.lines), seen))
    if (batch.length === limits.importBatch) yield await flush()
  }
  if (batch.length > 0) yield await flush()
  yield `${JSON.stringify({ done: true, ...total })}\n`
}

async function writeBatch(admin: Admin, scope: RequestScope, actor: Actor, batch: readonly (Row | Mistake)[]) {
  const { program } = scope.policy
  const mistakes = batch.filter((row) => 'message' in row)
  const rows = batch.filter((row) => 'uid' in row)
  const read = rows.map((row) => ({ ...row, ...readEntityInput(program, row.uid, row.given) }))
  const errors = [
    ...mistakes,
    ...read.flatMap(({ line, mistakes: found }) => found.map((mistake) => ({ ...mistake, line }))),
  ]
  if (errors.length > 0) return { written: 0, unchanged: 0, errors }
  const store = createEntityRows(admin.kernel.database, scope.tenant.id)
  const cycles: Mistake[] = []
  try {
    const { value } = await admin.kernel.withTransaction(actor, async (unit) => {
      let written = 0
      for (const { uid, attributes } of read) if (await store.put(unit, uid, attributes)) written += 1
      // ORDER: a batch may name parents that it brings itself, so cycles are looked for when all stand.
      for (const { line, uid, attributes } of read) {
        const cycle = await store.findCycle(program, uid, attributes)
        if (cycle) cycles.push({ line, pointer: '/parents', code: 'link_cycle', message: cycle })
      }
      if (cycles.length > 0) throw new CycleFound()
      unit.audit({ action: 'entity.import', resource: entity('Tenant', scope.tenant.id), detail: { written } })
      return written
    })
    return { written: value, unchanged: read.length - value, errors: [] }
  } catch (error) {
    if (error instanceof CycleFound) return { written: 0, unchanged: 0, errors: cycles }
    throw error
  }
}

/** An entity that stands twice in one import is a mistake: which of the two is meant? */
function onlyOnce(row: Row | Mistake, seen: Map<string, number>): Row | Mistake {
  if ('message' in row) return row
  const { line, uid } = row
  const key = JSON.stringify([uid.type, uid.id])
  const before = seen.get(key)
  if (before !== undefined) {
    const message = `${uid.type} ${uid.id} stands in line ${before} already.`
    return { line, pointer: '/id', code: 'duplicate_entity', message }
  }
  if (seen.size < limits.importRemembered) seen.set(key, line)
  return row
}

/** Rolls the batch back. */
class CycleFound extends Error {}

function readRow(text: string, line: number): Row | Mistake {
  if (text.length > limits.importLineBytes)
    return { line, pointer: '', code: 'line_too_long', message: 'The line is too long.' }
  const json = parseStrictJson(text, { depth: 64 })
  if (!json.ok) return { line, pointer: '', code: 'malformed_json', message: json.message }
  const parsed = rowShape.safeParse(json.value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return {
      line,
      pointer: `/${issue?.path.join('/') ?? ''}`,
      code: 'validation_failed',
      message: issue?.message ?? '',
    }
  }
  const { type, id, attributes, parents } = parsed.data
  // Members came through the strict reader, so they are JSON.
  return { line, uid: entity(type, id), given: { attributes: attributes as GivenEntity['attributes'], parents } }
}

/** Lines of UTF-8; one beyond the limit is cut short so that memory stays bounded, and refused by its length. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8')
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = (parts.pop() ?? '').slice(0, limits.importLineBytes + 1)
    yield* parts
  }
  if (rest !== '') yield rest
}
