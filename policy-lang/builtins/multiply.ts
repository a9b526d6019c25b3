import { productType } from './arithmetic-types.ts'
import { type Builtin, wrongType } from './builtin.ts'
import { integerValue, isInteger, within } from './integer.ts'

export const multiply: Builtin = {
  name: 'multiply',
  method: '*',
  receiver: 'operator',
  parameters: 1,
  signature: productType,
  evaluate: ([left, right], result) =>
    isInteger(left) && isInteger(right) ? within(result, integerValue(BigInt(left) * BigInt(right))) : wrongType,
  docs: '`a * b` on Int, and Decimal or Duration with Int',
}
