import { type Builtin, wrongType } from './builtin.ts'
import { isText, string } from './primitive-types.ts'

export const upper: Builtin = {
  name: 'upper',
  method: 'upper',
  receiver: 'string',
  parameters: 0,
  signature: ([text]) => (isText(text) ? string : undefined),
  evaluate: ([text]) =>
    typeof text === 'string' ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : wrongType,
  docs: '`text.upper`: a to z in capitals; other letters stay, since tables of locales differ',
}
