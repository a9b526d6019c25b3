import type { Area, Kernel } from '../../server/module.ts'
import { registerDemoClient } from './client.ts'
import { createHandler } from './handle.ts'
import { openPolicyFolder } from './policy-folder.ts'

/**
 * The sample app at `/demo`, in development only: a plain OIDC client that talks to this server over HTTP as any app would, and
 * the folder of policies that its reader edits. `tell` writes to the terminal.
 */
export const demoArea = (tell: (text: string) => void): Area => ({
  name: 'demo',
  build(kernel: Kernel) {
    if (kernel.config.profile !== 'development') return {}
    const policies = openPolicyFolder(kernel, tell)
    return {
      mounts: [{ name: 'demo', paths: ['/demo', '/demo/*'], handle: createHandler(kernel, policies) }],
      async start() {
        await registerDemoClient(kernel)
        await policies.start()
      },
      stop: () => policies.stop(),
    }
  },
})
