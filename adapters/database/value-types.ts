import type { CustomTypesConfig } from 'pg'
import pg from 'pg'

const int8 = 20
const date = 1082
const timestamp = 1114
const textArray: number = 1009
const int8Array = 1016
const numericArray = 1231

/**
 * How columns arrive in JavaScript: timestamptz as Date, json and jsonb parsed, `bigint` as number while it is exact (2^53) and
 * as bigint beyond, `numeric` as string, also in arrays, `date` and
 * `timestamp` as text (a Date would bring a time zone in), bytea as Buffer.
 */
export const valueTypes: CustomTypesConfig = {
  getTypeParser(id: number, format?: 'text' | 'binary') {
    if (id === int8 && format !== 'binary') return parseInteger
    if ((id === date || id === timestamp) && format !== 'binary') return (text: string) => text
    if (id === int8Array && format !== 'binary') return parseIntegers
    // By itself pg makes doubles of an array's members.
    return pg.types.getTypeParser(id === numericArray && format !== 'binary' ? textArray : id, format)
  },
}

const parseIntegers = (text: string): unknown => integersIn(pg.types.getTypeParser(textArray, 'text')(text))
const integersIn = (item: unknown): unknown =>
  Array.isArray(item) ? item.map(integersIn) : typeof item === 'string' ? parseInteger(item) : item

function parseInteger(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
