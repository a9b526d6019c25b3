import type { Value } from '../../ir/nodes.ts'
import type { Conjuncts } from '../../optimise/conjunct.ts'
import type { Row } from '../../optimise/plan-partition.ts'
import type { Shape } from '../../optimise/shape-of.ts'
import { type Emitter, emitAll } from './compile-expression.ts'

/** Functions of a partition: one for each shape of rules, one for each path that is looked up. */
export type Shapes = {
  /** Rows of equal key share a function. */
  keyOf(row: Row): string
  /** The number of the row's function, or what it always answers, and the constants that it takes. */
  testOf(row: Row): { readonly test: number | boolean; readonly constants: readonly Value[] }
  /** The number of a function that reads what `code` yields. */
  readOf(as: string, write: (to: Emitter) => string): number
  /** The same code to stand where it is needed. */
  readCode(as: string, write: (to: Emitter) => string): string
  /** Texts of the functions, in order. */
  readonly functions: readonly string[]
}

/** What code may mention of the request; what it does not use costs nothing. */
export const parameters = 'const g=run.graph,s=run.subject,r=run.resource,ctx=run.context,now=run.now;'

export function createShapes(to: Emitter, conjuncts: Conjuncts): Shapes {
  /** Numbers of the shapes of conjuncts: short texts for what many rows have in common. */
  const short = new Map<string, number>()
  const shapes = new Map<Row, Shape>()
  const numbers = new Map<string, number | boolean>()
  const reads = new Map<string, number>()
  const functions: string[] = []
  const shapeOfRow = (row: Row): Shape => {
    const known = shapes.get(row)
    if (known) return known
    const parts = row.conjuncts.map((conjunct) => conjuncts(conjunct).shape)
    const numbers = parts.map(({ text }) => {
      const number = short.get(text) ?? short.size
      short.set(text, number)
      return number
    })
    const shape = { text: `${numbers.join(' ')} ${row.as}`, constants: parts.flatMap(({ constants }) => constants) }
    shapes.set(row, shape)
    return shape
  }
  const write = (code: string): number => {
    functions.push(`function(run,k){${parameters}${temporariesIn(code, to)}return ${code}}`)
    return functions.length - 1
  }
  const compile = (row: Row, { constants }: Shape): number | boolean => {
    to.as = row.as
    for (const [index, literal] of constants.entries()) to.holes.set(literal, index)
    const code = emitAll(row.conjuncts, to)
    to.holes.clear()
    return code === 'true' || code === 'false' ? code === 'true' : write(code)
  }
  const readCode: Shapes['readCode'] = (as, writeRead) => {
    to.as = as
    return writeRead(to)
  }
  return {
    functions,
    readCode,
    keyOf: (row) => shapeOfRow(row).text,
    testOf: (row) => {
      const shape = shapeOfRow(row)
      const test = numbers.get(shape.text) ?? compile(row, shape)
      numbers.set(shape.text, test)
      return { test, constants: shape.constants.map((literal) => literal.value) }
    },
    readOf: (as, writeRead) => {
      const code = readCode(as, writeRead)
      const number = reads.get(code) ?? write(code)
      reads.set(code, number)
      return number
    },
  }
}

/** Declares the temporaries that a text assigns. */
export function temporariesIn(code: string, to: Emitter): string {
  const used = to.temporaries.filter((name) => code.includes(`${name}=`))
  to.temporaries.length = 0
  return used.length > 0 ? `let ${used.join(',')};` : ''
}
