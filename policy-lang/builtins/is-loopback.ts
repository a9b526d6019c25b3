import { type Builtin, wrongType } from './builtin.ts'
import { ipWithin, parseIp } from './ip-range.ts'
import { bool } from './primitive-types.ts'

const blocks = ['127.0.0.0/8', '::1'].flatMap((text) => parseIp(text) ?? [])

export const isLoopback: Builtin = {
  name: 'isLoopback',
  method: 'isLoopback',
  receiver: 'ip',
  parameters: 0,
  signature: ([address]) => (address?.kind === 'ip' ? bool : undefined),
  evaluate: ([address]) =>
    typeof address === 'object' && address.kind === 'ip' ? blocks.some((block) => ipWithin(address, block)) : wrongType,
  docs: '`address.isLoopback`: 127.0.0.0/8 or ::1',
}
