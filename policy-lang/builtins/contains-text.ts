import { type Builtin, wrongType } from './builtin.ts'
import { bool, isText, string } from './primitive-types.ts'

export const containsText: Builtin = {
  name: 'containsText',
  method: 'contains',
  receiver: 'string',
  parameters: 1,
  expects: () => string,
  js: ([text, other]) => `${text}.includes(${other})`,
  signature: ([text, other]) => (isText(text) && isText(other) ? bool : undefined),
  evaluate: ([text, other]) =>
    typeof text === 'string' && typeof other === 'string' ? text.includes(other) : wrongType,
  docs: '`text.contains(part)`: does the part occur in the text?',
}
