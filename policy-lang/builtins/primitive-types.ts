import type { Type } from '../ir/types.ts'

/** One object per primitive type, so that most comparisons of types are `===`. */
export const bool: Type = { kind: 'bool' }
export const int: Type = { kind: 'int' }
export const decimal: Type = { kind: 'decimal' }
export const string: Type = { kind: 'string' }
export const time: Type = { kind: 'time' }
export const duration: Type = { kind: 'duration' }
export const ip: Type = { kind: 'ip' }

export const isText = (type: Type | undefined): boolean => type?.kind === 'string' || type?.kind === 'enum'
