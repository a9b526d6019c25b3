import { type Builtin, wrongType } from './builtin.ts'
import { bool, isText, string } from './primitive-types.ts'

export const startsWith: Builtin = {
  name: 'startsWith',
  method: 'startsWith',
  receiver: 'string',
  parameters: 1,
  expects: () => string,
  js: ([text, other]) => `${text}.startsWith(${other})`,
  signature: ([text, other]) => (isText(text) && isText(other) ? bool : undefined),
  evaluate: ([text, other]) =>
    typeof text === 'string' && typeof other === 'string' ? text.startsWith(other) : wrongType,
  docs: '`text.startsWith(prefix)`: does the text begin so?',
}
