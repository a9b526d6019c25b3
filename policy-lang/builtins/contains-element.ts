import { type Builtin, wrongType } from './builtin.ts'
import { comparable, elementOf } from './comparable.ts'
import { equalValues } from './equal-values.ts'
import { bool } from './primitive-types.ts'

export const containsElement: Builtin = {
  name: 'containsElement',
  method: 'contains',
  receiver: 'set',
  parameters: 1,
  expects: elementOf,
  signature: ([set, element]) => (set?.kind === 'set' && element && comparable(set.of, element) ? bool : undefined),
  evaluate: ([set, element]) => {
    if (typeof set !== 'object' || set.kind !== 'set' || element === undefined) return wrongType
    return set.items.some((item) => equalValues(item, element))
  },
  docs: '`set.contains(x)`: is x a member?',
}
