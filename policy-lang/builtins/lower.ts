import { type Builtin, wrongType } from './builtin.ts'
import { isText, string } from './primitive-types.ts'

export const lower: Builtin = {
  name: 'lower',
  method: 'lower',
  receiver: 'string',
  parameters: 0,
  signature: ([text]) => (isText(text) ? string : undefined),
  evaluate: ([text]) =>
    typeof text === 'string' ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : wrongType,
  docs: '`text.lower`: A to Z in small letters; other letters stay, since tables of locales differ',
}
