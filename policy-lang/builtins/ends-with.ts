import { type Builtin, wrongType } from './builtin.ts'
import { bool, isText, string } from './primitive-types.ts'

export const endsWith: Builtin = {
  name: 'endsWith',
  method: 'endsWith',
  receiver: 'string',
  parameters: 1,
  expects: () => string,
  js: ([text, other]) => `${text}.endsWith(${other})`,
  signature: ([text, other]) => (isText(text) && isText(other) ? bool : undefined),
  evaluate: ([text, other]) =>
    typeof text === 'string' && typeof other === 'string' ? text.endsWith(other) : wrongType,
  docs: '`text.endsWith(suffix)`: does the text end so?',
}
