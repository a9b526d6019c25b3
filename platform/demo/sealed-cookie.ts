import type { ZodType } from 'zod'
import type { Kernel, WebContext } from '../../server/module.ts'

/** A value that lives in the browser, unreadable and unalterable there. */
export type SealedCookie<Value> = {
  read(context: WebContext): Value | undefined
  write(context: WebContext, value: Value): void
  clear(context: WebContext): void
}

/** What fits into one cookie in every browser (RFC 6265 §6.1: 4,096 bytes with name and attributes). */
const longest = 3_900

export function sealedCookie<Value>(
  kernel: Pick<Kernel, 'secrets' | 'config'>,
  options: { readonly name: string; readonly shape: ZodType<Value>; readonly seconds: number },
): SealedCookie<Value> {
  const { name, shape, seconds } = options
  const { secrets, config } = kernel
  const attributes = {
    httpOnly: true,
    sameSite: 'lax',
    secure: config.issuer.startsWith('https:'),
    path: '/demo',
    signed: false,
    overwrite: true,
  } as const
  return {
    read(context) {
      const sealed = context.cookies.get(name, { signed: false })
      if (!sealed) return undefined
      try {
        return shape.parse(JSON.parse(Buffer.from(secrets.open(`demo.${name}`, sealed)).toString()))
      } catch {
        // Altered, of another key or of an older version: as good as none.
        return undefined
      }
    },
    write(context, value) {
      const sealed = secrets.seal(`demo.${name}`, Buffer.from(JSON.stringify(value)))
      if (sealed.length > longest) throw new Error(`the cookie ${name} would not fit`)
      context.cookies.set(name, sealed, { ...attributes, maxAge: seconds * 1000 })
    },
    clear: (context) => void context.cookies.set(name, null, attributes),
  }
}
