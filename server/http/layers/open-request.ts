import { randomBytes } from 'node:crypto'
import { type ClientCertificate, clientCertificateReader } from '../../certificates/client-certificate.ts'
import { createRandomSource } from '../../events/random-source.ts'
import { clientAddressReader, trustedProxyTest } from '../client-address.ts'
import { limits } from '../limits.ts'
import type { WebState } from '../mount.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'

/** What later layers fill in; handlers see it as the read-only `WebState`. */
export type OpenState = { -readonly [K in keyof WebState]: WebState[K] } & {
  requestId: string
  ip: string
  now: number
  /** Pattern of what answered, for metrics and the log: never a path as sent. */
  routeName: string
  /** Audience of the row that answers, absolute: a 401 says where it describes itself. */
  resource?: string
}

/** Request id (echoed where the caller sent a printable one), address, time, abort signal. */
export function openRequest({ config, clock }: PipelineDeps): Layer {
  const randomText = createRandomSource()
  const addressOf = clientAddressReader(config.trustedProxies)
  const certificateOf = clientCertificateReader({
    isTrustedProxy: trustedProxyTest(config.trustedProxies),
    header: config.clientCertificateHeader,
    authorities: config.clientAuthorities,
    now: () => clock.now(),
  })
  return (context, next) => {
    const requestId = sentRequestId(context.req.headers['x-request-id']) ?? `req_${randomText(16, 'base64url')}`
    context.res.setHeader('x-request-id', requestId)
    context.state = newState(context.req, context.res, {
      requestId,
      ip: addressOf(context.req),
      now: clock.now(),
      readCertificate: certificateOf(context.req),
    })
    return next()
  }
}

function sentRequestId(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header.length > limits.requestIdLength) return undefined
  return /^[\x21-\x7e]+$/.test(header) ? header : undefined
}

type Opened = {
  readonly requestId: string
  readonly ip: string
  readonly now: number
  readonly readCertificate: () => ClientCertificate | undefined
}

/** The signal and the nonce cost something and few requests ask for them: made when first read. */
function newState(
  request: import('node:http').IncomingMessage,
  response: import('node:http').ServerResponse,
  { readCertificate, ...opened }: Opened,
): WebState {
  let controller: AbortController | undefined
  let nonce: string | undefined
  const state = {
    ...opened,
    path: request.url ?? '/',
    routeName: '(none)',
    get nonce() {
      nonce ??= randomBytes(16).toString('base64')
      return nonce
    },
    get certificate() {
      return readCertificate()
    },
    get signal() {
      if (!controller) {
        const made = new AbortController()
        controller = made
        response.once('close', () => made.abort())
      }
      return controller.signal
    },
  }
  // `scope` is set by the tenancy layer, which stands before every handler.
  return state as unknown as WebState
}

/** The writable view, for layers. */
export const openState = (state: WebState): OpenState => state as OpenState
