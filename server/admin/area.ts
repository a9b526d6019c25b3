import type { Area } from '../area.ts'
import { createPasswords } from '../identity/passwords.ts'
import { documentNames } from '../schema/0030-documents.ts'
import { adminRoutes } from './routes.ts'

/** One hash at a time beside those of the sign-in: administration must not slow people down. */
const hashConcurrency = 1

/** The admin API and the rules that guard it (`server/policy`). */
export const adminArea: Area = {
  name: 'admin',
  migrations: [documentNames],
  build: (kernel) => ({
    routes: [adminRoutes({ kernel, passwords: createPasswords({ concurrency: hashConcurrency }) })],
  }),
}
