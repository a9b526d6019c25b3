import { type Builtin, wrongType } from './builtin.ts'
import { combinedSet } from './comparable.ts'
import { keyOfValue } from './equal-values.ts'

export const intersect: Builtin = {
  name: 'intersect',
  method: 'intersect',
  receiver: 'set',
  parameters: 1,
  expects: (set) => set,
  signature: ([set, other]) => (set && other ? combinedSet(set, other) : undefined),
  evaluate: ([set, other]) => {
    if (typeof set !== 'object' || set.kind !== 'set') return wrongType
    if (typeof other !== 'object' || other.kind !== 'set') return wrongType
    const keys = new Set(other.items.map(keyOfValue))
    return { kind: 'set', items: set.items.filter((item) => keys.has(keyOfValue(item))) }
  },
  docs: '`set.intersect(other)`: the members of both',
}
