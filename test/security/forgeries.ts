import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type JsonWebKeyInput,
  type KeyObject,
  sign,
} from 'node:crypto'

type Jwk = JsonWebKeyInput['key']
export type Parts = { readonly header: { readonly [name: string]: unknown }; readonly payload: object | string }

const encode = (part: unknown): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const inputOf = ({ header, payload }: Parts): string => `${encode(header)}.${encode(payload)}`

/** A compact JWS by hand, so that it may be anything: ES256 of `key`, or whatever `signature` makes of the signing input. */
export function compact(parts: Parts, by: KeyObject | ((input: string) => Buffer)): string {
  const input = inputOf(parts)
  const signature =
    typeof by === 'function' ? by(input) : sign('sha256', Buffer.from(input), { key: by, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

export function openForger(jwksUri: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { key: privateKey, jwk: publicKey.export({ format: 'jwk' }), jwksUri }
}
export type Forger = ReturnType<typeof openForger>

/**
 * What an attacker makes of a good token, who knows its public key and has a key of his own (security.md row 8): none of them may
 * be taken for good, wherever it is brought.
 */
export function forgeries(good: string, publicJwk: Jwk, forger: Forger): { readonly [name: string]: string } {
  const [first = '', second = '', third = ''] = good.split('.')
  const header: Parts['header'] = JSON.parse(Buffer.from(first, 'base64url').toString())
  const payload: object = JSON.parse(Buffer.from(second, 'base64url').toString())
  const signature = Buffer.from(third, 'base64url')
  const flipped = Buffer.from(signature.map((byte, at) => (at === 3 ? byte ^ 1 : byte)))
  const by = (more: object, key: KeyObject | ((input: string) => Buffer) = forger.key, body: object = payload) =>
    compact({ header: { ...header, ...more }, payload: body }, key)
  const none = (alg: string) => by({ alg }, () => Buffer.alloc(0))
  const hmac = (secret: Buffer | string) => (input: string) => createHmac('sha256', secret).update(input).digest()
  const own = { ...forger.jwk, kid: header.kid }
  return {
    ...Object.fromEntries(['none', 'None', 'NONE', 'nOnE', ''].map((alg) => [`alg "${alg}"`, none(alg)])),
    'none, with the old signature': by({ alg: 'none' }, () => signature),
    'no alg': by({ alg: undefined }),
    'alg in a list': by({ alg: ['ES256'] }),
    'HS256 by the public key as JWK': by({ alg: 'HS256' }, hmac(JSON.stringify(publicJwk))),
    'HS256 by nothing': by({ alg: 'HS256' }, hmac('')),
    'HS256 by x of the key': by({ alg: 'HS256' }, hmac(Buffer.from(publicJwk.x ?? publicJwk.n ?? '', 'base64url'))),
    'no signature': `${first}.${second}.`,
    'no third part': `${first}.${second}`,
    'a fourth part': `${good}.${third}`,
    'two bits of the signature': `${first}.${second}.${flipped.toString('base64url')}`,
    'a shorter signature': `${first}.${second}.${signature.subarray(0, 63).toString('base64url')}`,
    'a longer signature': `${first}.${second}.${Buffer.concat([signature, Buffer.alloc(1)]).toString('base64url')}`,
    // CVE-2022-21449.
    'a signature of zeros': by({}, () => Buffer.alloc(64)),
    'a signature of the order': by({}, () => Buffer.from(`${order}${order}`, 'hex')),
    'another payload': `${first}.${encode({ ...payload, sub: 'other', scope: 'admin' })}.${third}`,
    'another header': `${encode({ ...header, x: 1 })}.${second}.${third}`,
    'a stranger’s key': by({}),
    'a stranger’s key, named': by({ kid: 'stranger' }),
    'a stranger’s key, embedded': header.jwk === undefined ? by({ jwk: own }) : by({ jwk: publicJwk }),
    'a stranger’s key by address': by({ jku: forger.jwksUri, kid: 'x' }),
    'a stranger’s certificate by address': by({ x5u: forger.jwksUri, kid: 'x' }),
    'a stranger’s certificate': by({ x5c: [Buffer.from('x').toString('base64')] }),
    ...Object.fromEntries(
      ['../../../etc/passwd', '/dev/null', "x' or '1'='1", '', '__proto__', null, 1, [], {}].map((kid) => [
        `kid ${JSON.stringify(kid)}`,
        by({ kid }),
      ]),
    ),
    'crit that nobody knows': by({ crit: ['x'], x: 1 }),
    'crit, empty': by({ crit: [] }),
    'b64 false': by({ b64: false, crit: ['b64'] }),
    zip: by({ zip: 'DEF' }),
    'a payload that is no object': compact({ header, payload: '"x"' }, forger.key),
    'a payload that is no JSON': compact({ header, payload: '{' }, forger.key),
    'a header that is no JSON': `${encode('{')}.${second}.${third}`,
    'a header that is null': `${encode('null')}.${second}.${third}`,
    'a header of __proto__': `${encode('{"__proto__":{"alg":"none"}}')}.${second}.`,
    'flattened JSON': JSON.stringify({ protected: first, payload: second, signature: third }),
    'general JSON': JSON.stringify({ payload: second, signatures: [{ protected: first, signature: third }] }),
    'five parts': `${encode({ alg: 'dir', enc: 'A256GCM' })}..${encode('x'.repeat(12))}.${second}.${encode('x'.repeat(16))}`,
    'five parts, by password': `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128CBC-HS256', p2c: 2 ** 30, p2s: 'AAAAAAAAAAA' })}.${second}.${encode('x'.repeat(16))}.${second}.${encode('x'.repeat(16))}`,
    'blanks inside': `${first}. ${second}.${third}`,
    'no text': '',
    dots: '...',
    'forty thousand characters': `${first}.${'x'.repeat(40_000)}.${third}`,
  }
}

/** Of the group of P-256. */
const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'

/** A claim left out, or something else: only for who holds the key. */
export function claimMutants(required: readonly string[]): { readonly [name: string]: object } {
  const now = Math.floor(Date.now() / 1_000)
  const wrong: readonly unknown[] = [undefined, null, '', 1, [], {}, true]
  const times = { exp: [now - 120, now + 7 * 86_400, String(now + 60), -1, 0], nbf: [now + 600], iat: [now + 600] }
  return Object.fromEntries([
    ...required.flatMap((claim) =>
      wrong.map((value) => [`${claim} is ${JSON.stringify(value) ?? 'not there'}`, { [claim]: value }]),
    ),
    ...Object.entries(times).flatMap(([claim, values]) =>
      values.map((value) => [`${claim} is ${JSON.stringify(value)}`, { [claim]: value }]),
    ),
  ])
}

export const privateKeyOf = (jwk: Jwk): KeyObject => createPrivateKey({ key: jwk, format: 'jwk' })
