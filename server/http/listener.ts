import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { StartMistake } from '../start-mistake.ts'
import { limits } from './limits.ts'

/** The listening socket. It is opened before anything else, so that a taken port is told at once. */
export type Listener = {
  readonly port: number
  /** From here on requests are answered by `handle`; before, 503. */
  serve(handle: (request: IncomingMessage, response: ServerResponse) => void): void
  /** Stops accepting, waits for open requests, at most `milliseconds`; then cuts them. */
  close(milliseconds: number): Promise<void>
}

/** TLS of our own. With `clients`, whoever connects is asked for a certificate, and may have none. */
export type ListenerTls = {
  readonly certificate: string
  readonly key: string
  readonly clients?: { readonly authorities: string | undefined }
}

export async function listen(host: string, port: number, tls?: ListenerTls): Promise<Listener> {
  let handler = notYet
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMilliseconds,
    requestTimeout: limits.requestTimeoutMilliseconds,
    keepAliveTimeout: limits.keepAliveMilliseconds,
  }
  const handle = (request: IncomingMessage, response: ServerResponse) => handler(request, response)
  const server = tls ? createTlsServer({ ...options, ...tlsOptions(tls) }, handle) : createServer(options, handle)
  server.maxHeadersCount = limits.headerCount
  await bind(server, host, port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    serve(handle) {
      handler = handle
    },
    close: (milliseconds) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), milliseconds)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

/**
 * TLS 1.3, and of 1.2 what FAPI 2.0 §5.2.2 leaves (RFC 9325 §4.2). A certificate that leads nowhere is taken, and is not `authorized`:
 * a client may have made it itself (RFC 8705 §2.2), so who is refused is decided where clients are known.
 */
const tlsOptions = ({ certificate, key, clients }: ListenerTls) => ({
  cert: certificate,
  key,
  minVersion: 'TLSv1.2' as const,
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_AES_128_GCM_SHA256',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  ...(clients ? { requestCert: true, rejectUnauthorized: false, ca: clients.authorities ?? [] } : {}),
})

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindMistake(error, host, port)))
    server.listen({ host, port }, resolve)
  })
}

function bindMistake(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartMistake(`port ${port} is in use; stop what uses it or set PORT`, { cause: error })
    case 'EACCES':
      return new StartMistake(`this user may not listen on port ${port}; set PORT`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartMistake(`${host} is not an address of this machine; set HOST`, { cause: error })
    default:
      return error
  }
}

function notYet(request: IncomingMessage, response: ServerResponse): void {
  const isLive = request.url === '/health/live'
  response.statusCode = isLive ? 200 : 503
  response.setHeader('content-type', 'application/json; charset=utf-8')
  if (!isLive) response.setHeader('retry-after', '1')
  response.end(JSON.stringify({ status: isLive ? 'live' : 'starting' }))
}
