import { DatabaseError, type DatabaseErrorKind } from './port.ts'

/** What pg, its pool or the network threw, as the port's small union; anything else comes back unchanged: it is a bug. */
export function translateError(error: unknown): unknown {
  if (!isErrorLike(error) || error instanceof DatabaseError) return error
  const code = errorCode(error)
  const kind = kindOf(code, error.message)
  if (!kind) return error
  const constraint = 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined
  return new DatabaseError(kind, constraint, error)
}

/** SQLSTATE or Node error code of whatever was thrown; '' where it has none. */
export const errorCode = (error: unknown): string =>
  isErrorLike(error) && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** pg's words for a statement that the client gave up while the server still works at it. */
export const isClientTimeout = (error: unknown): boolean => isErrorLike(error) && error.message === 'Query read timeout'

/** By shape: errors of sockets come from another realm where modules are loaded into a context of their own (as jest does). */
const isErrorLike = (error: unknown): error is { readonly message: string } =>
  typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'

/** SQLSTATE (PostgreSQL manual, appendix A) or Node error code → kind. */
const kinds: { readonly [code: string]: DatabaseErrorKind } = {
  '23505': 'unique',
  '23503': 'foreignKey',
  '23514': 'check',
  '40001': 'serialization',
  '40P01': 'serialization',
  '57014': 'timeout',
  '55P03': 'timeout',
  '25P03': 'timeout',
  '22021': 'invalidText',
  '22P05': 'invalidText',
  // After a failover the old primary answers reads only.
  '25006': 'unavailable',
  '53300': 'unavailable',
  '3D000': 'unavailable',
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
  EPIPE: 'unavailable',
  ENOENT: 'unavailable',
  EAI_AGAIN: 'unavailable',
}

function kindOf(code: string, message: string): DatabaseErrorKind | undefined {
  const known = kinds[code]
  if (known) return known
  // Connection exceptions, and credentials that the server refuses (a rotated password heals without a restart).
  if (/^(08|28)...$/.test(code) || /^E(CONN|NOTFOUND|TIMEDOUT|HOST|NET)/.test(code)) return 'unavailable'
  // JSON that holds half a surrogate pair: valid in JavaScript, not in PostgreSQL.
  if (code === '22P02' && message.includes('type json')) return 'invalidText'
  if (message === 'Query read timeout' || message.startsWith('timeout exceeded when trying to connect'))
    return 'timeout'
  if (
    /^(Connection terminated|Client has encountered a connection error|Client was closed|Cannot use a pool after)/.test(
      message,
    )
  ) {
    return 'unavailable'
  }
  return undefined
}
