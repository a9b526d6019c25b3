/** Settings after validation; where each comes from stands in `surface.md` (environment, flag, config file). */
export type Config = {
  readonly profile: 'development' | 'production'
  readonly host: string
  readonly port: number
  /** Public base URL without a trailing slash. */
  readonly issuer: string
  /** Absolute path of the data folder. */
  readonly dataFolder: string
  readonly databaseUrl?: string
  readonly databaseMigrationUrl?: string
  readonly secretKey?: string
  readonly trustedProxies: readonly string[]
  /** `smtp://…`; absent in development: the inbox at /dev/mail. */
  readonly smtpUrl?: string
  readonly mailFrom: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly setupFile?: string
  /** Of the pages of lists, the part whose rows are judged again (SPEC 7.7): 0 to 1. */
  readonly rejudgedLists: number
}
