import type { ExternType } from '../ir/program.ts'
import type { ExternInfo } from '../resolve/environment.ts'
import { newTally, type Session } from './at.ts'
import { valueOrReport } from './constants.ts'
import { checkAs } from './values.ts'

/** Milliseconds that an extern may take where its declaration does not say. */
const defaultWithin = 100
const longestWithin = 10_000

/** Deadlines and defaults of externs; `else fail`, or no `else`, is no default. */
export function checkExterns(session: Session): Map<string, ExternType> {
  const externs = new Map<string, ExternType>()
  for (const info of session.environment.externs.values()) {
    const extern = checkExtern(info, session)
    if (extern) externs.set(info.name, extern)
  }
  return externs
}

function checkExtern(info: ExternInfo, session: Session): ExternType | undefined {
  const { params, returns, item } = info
  if (!params || !returns) return undefined
  const within = item.within?.kind === 'duration' ? Number(item.within.milliseconds) : defaultWithin
  if (item.within && (item.within.kind !== 'duration' || within < 1 || within > longestWithin)) {
    session.reporter.report('F3007', item.within.span, `the deadline of an extern is 1ms to ${longestWithin / 1000}s`)
    return undefined
  }
  const base = { name: info.name, span: item.name.span, params, returns, withinMilliseconds: within }
  if (item.otherwise === undefined || item.otherwise === 'fail') return base
  const at = {
    session,
    unit: info.unit,
    place: 'const',
    locals: new Map(),
    known: undefined,
    tally: newTally(),
  } as const
  const expr = checkAs(item.otherwise, returns, at)
  const otherwise = expr && valueOrReport(expr, item.otherwise.span, session)
  return otherwise === undefined ? undefined : { ...base, otherwise }
}
