import { type Builtin, badZone, wrongType } from './builtin.ts'
import { localTime } from './local-time.ts'
import { int, isText, string } from './primitive-types.ts'

export const minute: Builtin = {
  name: 'minute',
  method: 'minute',
  receiver: 'time',
  parameters: 1,
  expects: () => string,
  signature: ([instant, zone]) => (instant?.kind === 'time' && isText(zone) ? int : undefined),
  evaluate: ([instant, zone]) => {
    if (typeof instant !== 'number' || typeof zone !== 'string') return wrongType
    const local = localTime(instant, zone)
    return local === undefined ? badZone : local.minute
  },
  docs: '`time.minute(zone)`: 0 to 59 on a clock of that zone',
}
