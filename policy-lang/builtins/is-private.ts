import { type Builtin, wrongType } from './builtin.ts'
import { ipWithin, parseIp } from './ip-range.ts'
import { bool } from './primitive-types.ts'

const blocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'].flatMap((text) => parseIp(text) ?? [])

export const isPrivate: Builtin = {
  name: 'isPrivate',
  method: 'isPrivate',
  receiver: 'ip',
  parameters: 0,
  signature: ([address]) => (address?.kind === 'ip' ? bool : undefined),
  evaluate: ([address]) =>
    typeof address === 'object' && address.kind === 'ip' ? blocks.some((block) => ipWithin(address, block)) : wrongType,
  docs: '`address.isPrivate`: a block of RFC 1918 or RFC 4193',
}
