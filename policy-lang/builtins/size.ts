import { type Builtin, wrongType } from './builtin.ts'
import { distinctValues } from './equal-values.ts'
import { int } from './primitive-types.ts'

export const size: Builtin = {
  name: 'size',
  method: 'size',
  receiver: 'set',
  parameters: 0,
  signature: ([set]) => (set?.kind === 'set' ? int : undefined),
  evaluate: ([set]) => (typeof set === 'object' && set.kind === 'set' ? distinctValues(set.items).length : wrongType),
  docs: '`set.size`: how many distinct members the set has',
}
