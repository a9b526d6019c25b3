import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
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

export async function listen(host: string, port: number): Promise<Listener> {
  let handler = notYet
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMilliseconds,
      requestTimeout: limits.requestTimeoutMilliseconds,
      keepAliveTimeout: limits.keepAliveMilliseconds,
    },
    (request, response) => handler(request, response),
  )
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
