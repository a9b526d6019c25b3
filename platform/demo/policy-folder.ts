import { copyFileSync, existsSync, type FSWatcher, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join, relative } from 'node:path'
import { activatePolicyFiles, defaultTenantId, type Kernel } from '../../server/module.ts'
import type { PolicyState } from './page.ts'

export type PolicyFolder = {
  /** Seeds the folder at the first start, activates what stands in it, and follows its files. */
  start(): Promise<void>
  stop(): Promise<void>
  state(): PolicyState
}

const setName = 'local'
/** Editors write a file in several steps. */
const quietMilliseconds = 100

/**
 * `<data>/policies/*.fbac` as a policy set of the tenant: every change takes the ordinary path (draft, compile, tests,
 * activation). A file with a mistake changes nothing; the terminal and the sample's page say where it is.
 */
export function openPolicyFolder(kernel: Kernel, tell: (text: string) => void): PolicyFolder {
  const folder = join(kernel.config.dataFolder, 'policies')
  const shown = relative(process.cwd(), join(folder, 'demo.fbac'))
  let problems: string | undefined
  let watcher: FSWatcher | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: Promise<void> = Promise.resolve()

  const load = async (): Promise<void> => {
    const files = readFolder(folder)
    const outcome = await activatePolicyFiles(kernel, { tenantId: defaultTenantId, set: setName, files })
    const before = problems
    problems = outcome.problems
    if (outcome.problems !== undefined) tell(`\n${outcome.problems.trimEnd()}\n\nThe rules before the change go on.`)
    else if (outcome.activated) tell(`Policies of ${relative(process.cwd(), folder)} are active.`)
    else if (before !== undefined) tell('The mistakes are gone.')
  }
  const reload = (): Promise<void> => {
    running = running
      .then(load)
      .catch((error) => kernel.log.error({ err: error }, 'the policy folder could not be read'))
    return running
  }
  return {
    state: () => ({ path: shown, problems }),
    async start() {
      if (!existsSync(folder)) {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        copyFileSync(new URL('./sample/demo.fbac', import.meta.url), join(folder, 'demo.fbac'))
      }
      await reload()
      watcher = watch(folder, () => {
        clearTimeout(timer)
        timer = setTimeout(reload, quietMilliseconds)
      })
    },
    async stop() {
      clearTimeout(timer)
      watcher?.close()
      await running
    },
  }
}

function readFolder(folder: string): { readonly [path: string]: string } {
  const names = readdirSync(folder).filter((name) => name.endsWith('.fbac') && !name.startsWith('.'))
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}
