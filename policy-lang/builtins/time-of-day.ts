import { type Builtin, badZone, wrongType } from './builtin.ts'
import { localTime } from './local-time.ts'
import { duration, isText, string } from './primitive-types.ts'

export const timeOfDay: Builtin = {
  name: 'timeOfDay',
  method: 'timeOfDay',
  receiver: 'time',
  parameters: 1,
  expects: () => string,
  signature: ([instant, zone]) => (instant?.kind === 'time' && isText(zone) ? duration : undefined),
  evaluate: ([instant, zone]) => {
    if (typeof instant !== 'number' || typeof zone !== 'string') return wrongType
    const local = localTime(instant, zone)
    return local === undefined ? badZone : local.sinceMidnight
  },
  docs: '`time.timeOfDay(zone)`: what a clock of that zone shows, as a duration',
}
