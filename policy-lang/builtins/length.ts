import { type Builtin, wrongType } from './builtin.ts'
import { countCodePoints } from './code-points.ts'
import { int, isText } from './primitive-types.ts'

export const length: Builtin = {
  name: 'length',
  method: 'length',
  receiver: 'string',
  parameters: 0,
  signature: ([text]) => (isText(text) ? int : undefined),
  evaluate: ([text]) => (typeof text === 'string' ? countCodePoints(text) : wrongType),
  docs: '`text.length`: how many code points the text has',
}
