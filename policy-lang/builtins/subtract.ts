import { differenceType } from './arithmetic-types.ts'
import { type Builtin, wrongType } from './builtin.ts'
import { integerValue, isInteger, within } from './integer.ts'

export const subtract: Builtin = {
  name: 'subtract',
  method: '-',
  receiver: 'operator',
  parameters: 1,
  signature: differenceType,
  evaluate: ([left, right], result) =>
    isInteger(left) && isInteger(right) ? within(result, integerValue(BigInt(left) - BigInt(right))) : wrongType,
  docs: '`a - b` on Int, Decimal, Duration, Time less Duration, and the Duration between two Times',
}
