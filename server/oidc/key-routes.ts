import { z } from 'zod'
import { actorOf, onTenant } from '../admin/request.ts'
import type { RouteTable } from '../http/route.ts'
import type { Kernel } from '../kernel.ts'
import { route } from '../module.ts'
import { rotateSigningKeys } from './rotate-keys.ts'

/** What an administrator does about the keys that sign tokens. */
export const keyRoutes = (kernel: Kernel): RouteTable => ({
  basePath: '/admin/v1',
  audiences: ['/admin'],
  routes: [
    route({
      method: 'POST',
      path: '/keys/rotate',
      summary: 'One step of key rotation: announce the next keys, or sign with them',
      action: 'rotateKeys',
      resourceType: 'Tenant',
      resource: onTenant,
      body: z.strictObject({ now: z.boolean().optional(), compromised: z.boolean().optional() }),
      responds: z.object({ step: z.enum(['announced', 'waiting', 'rotated']), kids: z.array(z.string()) }),
      async handle(input, judgement) {
        const { now = false, compromised = false } = input.body
        const { step, kids } = await rotateSigningKeys(kernel, actorOf(input, judgement), { now, compromised })
        return { body: { step, kids: [...kids] } }
      },
    }),
  ],
})
