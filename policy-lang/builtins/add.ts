import { sumType } from './arithmetic-types.ts'
import { type Builtin, wrongType } from './builtin.ts'
import { integerValue, isInteger, within } from './integer.ts'

export const add: Builtin = {
  name: 'add',
  method: '+',
  receiver: 'operator',
  parameters: 1,
  signature: sumType,
  evaluate: ([left, right], result) =>
    isInteger(left) && isInteger(right) ? within(result, integerValue(BigInt(left) + BigInt(right))) : wrongType,
  docs: '`a + b` on Int, Decimal, Duration, and Time with Duration; beyond 64 bits an error',
}
