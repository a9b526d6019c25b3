import type { IncomingMessage } from 'node:http'
import { readBytes } from './body.ts'
import { errors } from './errors.ts'

/** A small `multipart/form-data` body (RFC 7578), held in memory: for pages. Files of any size go to `/storage/v1`. */
export async function readMultipart(request: IncomingMessage, limit: number): Promise<FormData> {
  const type = request.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw errors.unsupported_media_type({ detail: 'Send multipart/form-data.' })
  }
  const bytes = await readBytes(request, limit)
  try {
    return await new Response(bytes, { headers: { 'content-type': type } }).formData()
  } catch (cause) {
    throw errors.malformed_form({ cause })
  }
}
