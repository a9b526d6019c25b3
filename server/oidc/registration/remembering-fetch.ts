import type { Egress } from '../../../adapters/egress/port.ts'

const minute = 60_000
/** How long an answer is good, whatever its headers say: a key that a client takes back is gone as soon. */
const freshMilliseconds = minute
/** How long it stands in where the address does not answer. */
const staleMilliseconds = 60 * minute
/** How long an address that failed is left alone. */
const failedMilliseconds = 5_000
const mostEntries = 500

type Entry = {
  readonly answer?: { readonly status: number; readonly type: string; readonly body: Uint8Array<ArrayBuffer> }
  readonly at: number
  /** Asked again from then on. */
  readonly until: number
  readonly error?: unknown
}

/**
 * What the library reads for a client (its keys, its sector): one request a minute and address at most, and the last good answer
 * for an hour where the address is away. Its own memory is as short as a client's row here.
 */
export function rememberingFetch(egress: Egress, now: () => number): Egress {
  const known = new Map<string, Entry>()
  const pending = new Map<string, Promise<Entry>>()

  const ask = async (url: string, init: Parameters<Egress>[1]): Promise<Entry> => {
    const before = known.get(url)
    const at = now()
    try {
      const response = await egress(url, init)
      if (response.status >= 500) throw new Error(`answered ${response.status}`)
      const body = new Uint8Array(await response.arrayBuffer())
      const type = response.headers.get('content-type') ?? ''
      return { answer: { status: response.status, type, body }, at, until: at + freshMilliseconds }
    } catch (error) {
      const isUsable = before?.answer?.status === 200 && at - before.at < staleMilliseconds
      return isUsable
        ? { ...before, until: at + failedMilliseconds }
        : { at, until: at + failedMilliseconds, error: error ?? 'failed' }
    }
  }

  return async (url, init) => {
    if ((init.method ?? 'GET') !== 'GET') return egress(url, init)
    const remembered = known.get(url)
    if (remembered && remembered.until > now()) return responseOf(remembered)
    const asking =
      pending.get(url) ??
      ask(url, init).then((entry) => {
        if (known.size >= mostEntries) known.clear()
        known.set(url, entry)
        return entry
      })
    pending.set(url, asking)
    try {
      return responseOf(await asking)
    } finally {
      pending.delete(url)
    }
  }
}

function responseOf({ answer, error }: Entry): Response {
  if (!answer) throw error
  const { status, type, body } = answer
  const isEmpty = [204, 205, 304].includes(status)
  return new Response(isEmpty ? null : body.slice(), { status, headers: { 'content-type': type } })
}
