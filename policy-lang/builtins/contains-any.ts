import { type Builtin, wrongType } from './builtin.ts'
import { comparable } from './comparable.ts'
import { keyOfValue } from './equal-values.ts'
import { bool } from './primitive-types.ts'

export const containsAny: Builtin = {
  name: 'containsAny',
  method: 'containsAny',
  receiver: 'set',
  parameters: 1,
  expects: (set) => set,
  signature: ([set, other]) => (set && other && set.kind === 'set' && comparable(set, other) ? bool : undefined),
  evaluate: ([set, other]) => {
    if (typeof set !== 'object' || set.kind !== 'set') return wrongType
    if (typeof other !== 'object' || other.kind !== 'set') return wrongType
    const keys = new Set(set.items.map(keyOfValue))
    return other.items.some((item) => keys.has(keyOfValue(item)))
  },
  docs: '`set.containsAny(other)`: do the sets share a member?',
}
