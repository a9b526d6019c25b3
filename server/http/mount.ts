import type { ParameterizedContext } from 'koa'
import type { ClientCertificate } from '../certificates/client-certificate.ts'
import type { RequestScope } from './request-scope.ts'

/** What the pipeline has settled before any handler runs. */
export type WebState = {
  /** Fixed for the request: tenant, policy version, time, address; the subject is Anonymous until a handler says otherwise. */
  readonly scope: RequestScope
  /** The normalised path without the tenant's prefix: what mounts and route tables match on. */
  readonly path: string
  /** Aborts when the client goes away or the server drains. */
  readonly signal: AbortSignal
  /** What the client showed on this connection, or a trusted proxy says that it did; read when first asked for. */
  readonly certificate: ClientCertificate | undefined
  /** For inline scripts and styles of pages; the pipeline sets the Content-Security-Policy that names it. */
  readonly nonce: string
}
export type WebContext = ParameterizedContext<WebState>

/**
 * A handler for paths that are not rows of a route table: the OpenID provider, pages, the sample app. It answers for its own
 * decisions. Bodies are read with `readForm`, `readJson` (`body.ts`) and nothing else.
 */
export type Mount = {
  readonly name: string
  /** Exact (`/device`) or everything below (`/oauth2/*`), matched on `WebState.path`; the first mount that matches answers. */
  readonly paths: readonly string[]
  readonly handle: (context: WebContext) => Promise<void>
}
