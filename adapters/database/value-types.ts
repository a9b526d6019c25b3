import type { CustomTypesConfig } from 'pg'
import pg from 'pg'

const int8 = 20
const date = 1082
const textArray = 1009
const numericArray = 1231

/**
 * How columns arrive in JavaScript: timestamptz as Date, json and jsonb parsed, `bigint` as number while it is exact (2^53) and
 * as bigint beyond, `numeric` as string, also in arrays, `date` as `YYYY-MM-DD` (a Date would bring a time zone in), bytea as Buffer.
 */
export const valueTypes: CustomTypesConfig = {
  getTypeParser(id: number, format?: 'text' | 'binary') {
    if (id === int8 && format !== 'binary') return parseInteger
    if (id === date && format !== 'binary') return (text: string) => text
    // By itself pg makes doubles of an array's members.
    return pg.types.getTypeParser(id === numericArray && format !== 'binary' ? textArray : id, format)
  },
}

function parseInteger(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
