import type { Area } from '../area.ts'
import { createPasswords } from '../identity/passwords.ts'
import { documentNames } from '../schema/0030-documents.ts'
import { createCliToken } from './cli-token.ts'
import { adminRoutes } from './routes.ts'

/** One hash at a time beside those of the sign-in: administration must not slow people down. */
const hashConcurrency = 1

/** The admin API, and the command line's way to it in development. The rules that guard it are in `server/policy`. */
export const adminArea: Area = {
  name: 'admin',
  migrations: [documentNames],
  build(kernel) {
    const cliToken = createCliToken(kernel)
    const passwords = createPasswords({ concurrency: hashConcurrency })
    return {
      routes: [adminRoutes({ kernel, passwords })],
      tokenVerifier: cliToken.verifier,
      start: cliToken.start,
      stop: cliToken.stop,
    }
  },
}
