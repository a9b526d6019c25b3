import pino, { type DestinationStream, type Logger } from 'pino'
import type { Config } from '../config/config.ts'

/**
 * Structured lines on standard error: standard output belongs to the ready line and to commands. What could carry a secret
 * is cut by name, whoever logs it.
 */
export function createLog(level: Config['logLevel'], destination?: DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretPaths, censor: '[secret]' },
    serializers: { err: pino.stdSerializers.err },
  }
  return pino(options, destination ?? pino.destination({ fd: 2, sync: false, minLength: 0 }))
}

const secretNames = [
  'password',
  'newPassword',
  'secret',
  'clientSecret',
  'token',
  'authorization',
  'cookie',
  'assertion',
]
const secretPaths = secretNames.flatMap((name) => [name, `*.${name}`])
