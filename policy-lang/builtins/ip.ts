import { type Builtin, wrongType } from './builtin.ts'
import { parseIp } from './ip-range.ts'
import { ip as ipType } from './primitive-types.ts'

export const ip: Builtin = {
  name: 'ip',
  method: 'ip',
  receiver: 'name',
  parameters: 1,
  literals: [0],
  signature: ([text]) => (text?.kind === 'string' ? ipType : undefined),
  evaluate: ([text]) => (typeof text === 'string' ? (parseIp(text) ?? wrongType) : wrongType),
  docs: '`ip("10.0.0.0/8")`: an address or a range, from a literal',
}
