import type { Layer, PipelineDeps } from '../pipeline.ts'
import { securityHeaders, transportSecurity } from '../security-headers.ts'

export function setSecurityHeaders({ config }: PipelineDeps): Layer {
  const headers = config.issuer.startsWith('https:') ? [...securityHeaders, transportSecurity] : securityHeaders
  return (context, next) => {
    for (const [name, value] of headers) context.res.setHeader(name, value)
    return next()
  }
}
