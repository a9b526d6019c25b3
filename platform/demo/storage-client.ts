// The app's side of /storage/v1: what any client with an access token can do over HTTP.
import { z } from 'zod'

export type ListedFile = {
  readonly key: string
  readonly size?: number | undefined
  readonly contentType?: string | undefined
}

/** What the API said, allowed or not. */
export type Answer =
  | { readonly outcome: 'allowed'; readonly status: number; readonly rules: readonly string[]; readonly text?: string }
  | Refused
export type Refused = {
  readonly outcome: 'refused'
  readonly status: number
  readonly code: string
  readonly title: string
  /** `because` texts of the rules that refused. */
  readonly texts: readonly string[]
  /** Ids of the deciding rules, which the development profile tells. */
  readonly rules: readonly string[]
}

const problemShape = z.object({
  code: z.string(),
  title: z.string(),
  texts: z.array(z.string()).default([]),
  rules: z.array(z.string()).default([]),
})
const listShape = z.object({
  items: z.array(
    z.object({ key: z.string().optional(), size: z.number().optional(), contentType: z.string().optional() }),
  ),
})
const timeoutMilliseconds = 10_000
/** Of a file that is shown in the page. */
const shownBytes = 4_096

export function createStorageClient(base: string, bucket: string, accessToken: string) {
  const objects = `${base}/buckets/${bucket}/objects`
  const call = (url: string, init: RequestInit = {}) =>
    fetch(url, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(timeoutMilliseconds),
    })
  const urlOf = (key: string) => `${objects}/${key.split('/').map(encodeURIComponent).join('/')}`
  return {
    async list(): Promise<{ readonly files: readonly ListedFile[] } | Refused> {
      const response = await call(`${objects}?limit=100`)
      if (!response.ok) return refusedBy(response)
      const { items } = listShape.parse(await response.json())
      return { files: items.flatMap(({ key, ...rest }) => (key === undefined ? [] : [{ key, ...rest }])) }
    },
    async put(key: string, content: Uint8Array<ArrayBuffer>, contentType: string): Promise<Answer> {
      const response = await call(urlOf(key), {
        method: 'PUT',
        body: content,
        headers: { 'content-type': contentType },
      })
      if (!response.ok) return refusedBy(response)
      await response.arrayBuffer()
      return allowedBy(response)
    },
    async read(key: string): Promise<Answer> {
      const response = await call(urlOf(key), { headers: { range: `bytes=0-${shownBytes - 1}` } })
      // An empty file has no first byte (RFC 9110 §14.1.1), and is a file all the same.
      if (response.status === 416) return { ...allowedBy(response), text: '' }
      if (!response.ok) return refusedBy(response)
      const text = await response.text()
      return response.headers.get('content-type')?.startsWith('text/')
        ? { ...allowedBy(response), text }
        : allowedBy(response)
    },
    async remove(key: string): Promise<Answer> {
      const response = await call(urlOf(key), { method: 'DELETE' })
      return response.ok ? allowedBy(response) : refusedBy(response)
    },
  }
}

const allowedBy = (response: Response) => ({
  outcome: 'allowed' as const,
  status: response.status,
  rules: (response.headers.get('writ-rules') ?? '')
    .split(' ')
    .filter((rule) => rule !== '')
    .map(decodeURIComponent),
})

async function refusedBy(response: Response): Promise<Refused> {
  const problem = problemShape.safeParse(await response.json().catch(() => undefined))
  const { code, title, texts, rules } = problem.success
    ? problem.data
    : { code: String(response.status), title: response.statusText, texts: [], rules: [] }
  return { outcome: 'refused', status: response.status, code, title, texts, rules }
}
