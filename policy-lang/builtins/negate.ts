import { negativeType } from './arithmetic-types.ts'
import { type Builtin, wrongType } from './builtin.ts'
import { integerValue, isInteger, within } from './integer.ts'

export const negate: Builtin = {
  name: 'negate',
  method: 'negate',
  receiver: 'operator',
  parameters: 0,
  signature: negativeType,
  evaluate: ([operand], result) => (isInteger(operand) ? within(result, integerValue(-BigInt(operand))) : wrongType),
  docs: '`-a` on Int, Decimal and Duration',
}
