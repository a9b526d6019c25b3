import { add } from './add.ts'
import type { Builtin, Receiver } from './builtin.ts'
import { containsAll } from './contains-all.ts'
import { containsAny } from './contains-any.ts'
import { containsElement } from './contains-element.ts'
import { containsText } from './contains-text.ts'
import { date } from './date.ts'
import { decimal } from './decimal.ts'
import { endsWith } from './ends-with.ts'
import { hour } from './hour.ts'
import { intersect } from './intersect.ts'
import { ip } from './ip.ts'
import { isEmpty } from './is-empty.ts'
import { isLoopback } from './is-loopback.ts'
import { isPrivate } from './is-private.ts'
import { length } from './length.ts'
import { like } from './like.ts'
import { lower } from './lower.ts'
import { minus } from './minus.ts'
import { minute } from './minute.ts'
import { multiply } from './multiply.ts'
import { negate } from './negate.ts'
import { size } from './size.ts'
import { startsWith } from './starts-with.ts'
import { subtract } from './subtract.ts'
import { timeOfDay } from './time-of-day.ts'
import { union } from './union.ts'
import { upper } from './upper.ts'
import { weekday } from './weekday.ts'

/** Every built-in, one row each. A new one is a file of its own and a row here. */
export const builtins: readonly Builtin[] = [
  startsWith,
  endsWith,
  containsText,
  like,
  lower,
  upper,
  length,
  hour,
  minute,
  weekday,
  timeOfDay,
  date,
  isLoopback,
  isPrivate,
  ip,
  decimal,
  containsElement,
  containsAll,
  containsAny,
  isEmpty,
  size,
  union,
  intersect,
  minus,
  add,
  subtract,
  multiply,
  negate,
]

/** Built-ins by the name that IR uses. */
export const builtinByName: ReadonlyMap<string, Builtin> = new Map(builtins.map((row) => [row.name, row]))

const bySource: ReadonlyMap<string, Builtin> = new Map(builtins.map((row) => [`${row.receiver}.${row.method}`, row]))

/** The built-in that `x.method` means for a receiver of this kind. An enum is a String. */
export const builtinMethod = (receiver: Receiver, method: string): Builtin | undefined =>
  bySource.get(`${receiver === 'enum' ? 'string' : receiver}.${method}`)

/** Methods of a kind of receiver, for suggestions and documentation. */
export const methodsOf = (receiver: Receiver): readonly string[] =>
  builtins.filter((row) => row.receiver === (receiver === 'enum' ? 'string' : receiver)).map((row) => row.method)
