import { describe, test } from '@jest/globals'

/** Something that a suite needs and a machine may lack. */
export type Need = {
  /** As in `WRIT_REQUIRE=postgres,browser`. */
  readonly name:
    | 'postgres'
    | 'filters-on-postgres'
    | 'browser'
    | 'fixtures'
    | 'authlib'
    | 'go'
    | 'java'
    | 'oauth2-proxy'
    | 'spring'
    | 'apache'
  /** Undefined: it is there. */
  readonly missing: string | undefined
}

/**
 * A suite that runs where `need` is met. Elsewhere it leaves one visible test that says what was skipped and why; that test fails
 * where WRIT_REQUIRE names the need, so that a lane which installs everything cannot skip by accident.
 */
export function describeWith(need: Need, title: string, body: () => void): void {
  if (need.missing === undefined) {
    describe(title, body)
    return
  }
  const notice = `SKIPPED: ${need.missing}`
  const isRequired = (process.env.WRIT_REQUIRE ?? '').split(',').includes(need.name)
  describe(title, () => {
    test(notice, () => {
      if (isRequired) throw new Error(`${notice} (WRIT_REQUIRE names ${need.name})`)
      // biome-ignore lint/suspicious/noConsole: a skip must be seen in the output of the run.
      console.warn(`${title}: ${notice}`)
    })
  })
}
