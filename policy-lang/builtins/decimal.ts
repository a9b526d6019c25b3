import { type Builtin, wrongType } from './builtin.ts'
import { parseDecimal } from './decimal-text.ts'
import { integerValue } from './integer.ts'
import { decimal as decimalType } from './primitive-types.ts'

export const decimal: Builtin = {
  name: 'decimal',
  method: 'decimal',
  receiver: 'name',
  parameters: 1,
  literals: [0],
  signature: ([text]) => (text?.kind === 'string' ? decimalType : undefined),
  evaluate: ([text]) => {
    const exact = typeof text === 'string' ? parseDecimal(text) : undefined
    return exact === undefined ? wrongType : integerValue(exact)
  },
  docs: '`decimal("12.50")`: a decimal with at most four fraction digits, from a literal',
}
