import { type Builtin, wrongType } from './builtin.ts'
import { combinedSet } from './comparable.ts'
import { distinctValues } from './equal-values.ts'

export const union: Builtin = {
  name: 'union',
  method: 'union',
  receiver: 'set',
  parameters: 1,
  expects: (set) => set,
  signature: ([set, other]) => (set && other ? combinedSet(set, other) : undefined),
  evaluate: ([set, other]) => {
    if (typeof set !== 'object' || set.kind !== 'set') return wrongType
    if (typeof other !== 'object' || other.kind !== 'set') return wrongType
    return { kind: 'set', items: distinctValues([...set.items, ...other.items]) }
  },
  docs: '`set.union(other)`: the members of either',
}
