// The floor under every HTTP figure: the handler that the reference benchmark calls a bare Node server, which reads a JSON body
// and answers a JSON object. Prints its base URL.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => {
    text += chunk
  })
  request.on('end', () => {
    const body: unknown = text ? JSON.parse(text) : null
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ decision: body !== null }))
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
