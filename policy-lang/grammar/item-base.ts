import type { Comment, Mark } from '../ast/nodes.ts'
import type { Span } from '../source/span.ts'
import type { Building } from './notation.ts'

/** What every item has. Its comments are put in when the whole item stands. */
export function itemBase(marks: readonly Mark[], span: Span, building: Building) {
  const doc = building.takeDoc(span.start)
  const none: readonly Comment[] = []
  return { marks, span, leading: none, comments: none, ...(doc === undefined ? {} : { doc }) }
}
