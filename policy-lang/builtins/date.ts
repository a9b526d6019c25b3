import { type Builtin, badZone, wrongType } from './builtin.ts'
import { localTime } from './local-time.ts'
import { isText, string } from './primitive-types.ts'

export const date: Builtin = {
  name: 'date',
  method: 'date',
  receiver: 'time',
  parameters: 1,
  expects: () => string,
  signature: ([instant, zone]) => (instant?.kind === 'time' && isText(zone) ? string : undefined),
  evaluate: ([instant, zone]) => {
    if (typeof instant !== 'number' || typeof zone !== 'string') return wrongType
    const local = localTime(instant, zone)
    return local === undefined ? badZone : dateText(local.year, local.month, local.day)
  },
  docs: '`time.date(zone)`: the local date, "2026-03-02"',
}

function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}
