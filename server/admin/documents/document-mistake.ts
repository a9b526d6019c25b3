import type { JsonValue } from '../../decision/decision-point.ts'

/** A document that cannot be applied as it stands: the whole set is rolled back and its author told where. */
export class DocumentMistake extends Error {
  readonly pointer: string
  readonly code: string
  readonly details: readonly JsonValue[]
  constructor(pointer: string, code: string, message: string, details: readonly JsonValue[] = []) {
    super(message)
    this.pointer = pointer
    this.code = code
    this.details = details
  }
}
