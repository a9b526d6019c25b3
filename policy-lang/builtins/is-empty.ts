import { type Builtin, wrongType } from './builtin.ts'
import { bool } from './primitive-types.ts'

export const isEmpty: Builtin = {
  name: 'isEmpty',
  method: 'isEmpty',
  receiver: 'set',
  parameters: 0,
  signature: ([set]) => (set?.kind === 'set' ? bool : undefined),
  evaluate: ([set]) => (typeof set === 'object' && set.kind === 'set' ? set.items.length === 0 : wrongType),
  docs: '`set.isEmpty`: has the set no member?',
}
