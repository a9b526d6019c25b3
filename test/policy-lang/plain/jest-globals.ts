// What the suites of policy-lang use of `@jest/globals`, for a run without jest: tests are collected, in order.

export { expect } from 'expect'

type Run = (...values: never[]) => unknown
type Row = readonly unknown[] | object | string | number

export const collected: { readonly name: string; readonly run: () => unknown }[] = []
const path: string[] = []

export const test = Object.assign(
  (name: string, run: () => unknown) => void collected.push({ name: [...path, name].join(' › '), run }),
  {
    each: (rows: readonly Row[]) => (name: string, run: Run) =>
      eachOf(rows, (row, at) => test(`${name} #${at}`, () => run(...row))),
  },
)

export const describe = Object.assign(
  (name: string, define: () => void) => {
    path.push(name)
    define()
    path.pop()
  },
  {
    each: (rows: readonly Row[]) => (name: string, define: Run) =>
      eachOf(rows, (row, at) => describe(`${name} #${at}`, () => void define(...row))),
  },
)

function eachOf(rows: readonly Row[], visit: (row: never[], at: number) => void): void {
  // A row that is no list is one argument; the suites know the types of their rows.
  for (const [at, row] of rows.entries()) visit((Array.isArray(row) ? row : [row]) as never[], at)
}
