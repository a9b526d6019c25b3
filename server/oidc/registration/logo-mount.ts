import { type Egress, EgressError } from '../../../adapters/egress/port.ts'
import type { Mount, WebContext } from '../../http/mount.ts'
import { decodeSegment } from '../../http/request-path.ts'
import { createTokenBuckets } from '../../http/token-buckets.ts'
import type { ClientRecord, ClientRecords } from '../client-records.ts'

const base = '/oauth2/logo'
const hour = 3_600_000
const failedMilliseconds = 5 * 60_000
const keptLogos = 200
const mostClients = 10_000

type Logo = { readonly until: number; readonly image?: { readonly type: string; readonly body: Buffer } }

/** Where a page of this server finds the logo of a client, if it has one. */
export const logoPath = (pathPrefix: string, { id, metadata }: ClientRecord): string | undefined =>
  metadata.logoUri === undefined ? undefined : `${pathPrefix}${base}/${encodeURIComponent(id)}`

/**
 * Logos of clients, read by this server and kept for an hour: the person's browser tells the client nothing, and loads no image of
 * anybody else's choosing under the page's policy. Pictures by what they are, never by what they are called; no SVG, which runs.
 */
export function createLogoMount(kit: {
  readonly clients: ClientRecords
  readonly egress: Egress | undefined
  readonly now: () => number
}): Mount {
  const kept = new Map<string, Logo>()
  const budget = createTokenBuckets({ burst: 20, perSecond: 0.1, capacity: mostClients })
  const read = async (tenantId: string, id: string): Promise<Logo['image']> => {
    const client = await kit.clients.find(tenantId, id)
    const address = client?.metadata.logoUri
    if (address === undefined || !kit.egress) return undefined
    const known = kept.get(address)
    const now = kit.now()
    if (known && known.until > now) return known.image
    if (budget.take(JSON.stringify([tenantId, id]), now) > 0) return known?.image
    const image = await readImage(kit.egress, address)
    if (kept.size >= keptLogos) kept.clear()
    kept.set(address, { until: now + (image ? hour : failedMilliseconds), ...(image ? { image } : {}) })
    return image
  }
  return {
    name: 'logos',
    paths: [`${base}/*`],
    async handle(context) {
      const { path, scope } = context.state
      const id = decodeSegment(path.slice(base.length + 1))
      const image = context.method === 'GET' || context.method === 'HEAD' ? await read(scope.tenant.id, id) : undefined
      answer(context, image)
    },
  }
}

function answer(context: WebContext, image: Logo['image']): void {
  if (!image) {
    context.status = 404
    context.body = { error: 'not_found' }
    return
  }
  context.set('cache-control', 'private, max-age=3600')
  context.type = image.type
  context.body = image.body
}

async function readImage(egress: Egress, address: string): Promise<Logo['image']> {
  try {
    const response = await egress(address, { headers: { accept: 'image/png, image/jpeg, image/webp, image/gif' } })
    if (response.status !== 200) return undefined
    const body = Buffer.from(await response.arrayBuffer())
    const type = typeOf(body)
    return type === undefined ? undefined : { type, body }
  } catch (error) {
    if (error instanceof EgressError) return undefined
    throw error
  }
}

function typeOf(body: Buffer): string | undefined {
  const head = body.subarray(0, 12).toString('latin1')
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (/^GIF8[79]a/.test(head)) return 'image/gif'
  if (/^RIFF[\s\S]{4}WEBP/.test(head)) return 'image/webp'
  return undefined
}
