import { z } from 'zod'
import { onTenant } from '../admin/request.ts'
import type { RouteInput, RouteTable } from '../http/route.ts'
import { route } from '../module.ts'
import { answerRequest, listWaiting, type RequestKit, requestTarget, waitingShape } from './answer-request.ts'

/**
 * Where a person's word about a client's request arrives (CIBA Core §8), by whoever has asked the person: a push service, a help
 * desk. The person's own way is `/account` (`account/account-routes.ts`).
 */
export const backchannelRoutes = (kit: RequestKit): RouteTable => ({
  basePath: '/admin/v1',
  audiences: ['/admin'],
  routes: [
    route({
      method: 'GET',
      path: '/authentication-requests',
      summary: 'Requests of clients that wait for a person, oldest first',
      action: 'listBackchannelRequests',
      resourceType: 'Tenant',
      resource: onTenant,
      query: z.strictObject({ userId: z.string().max(100).optional() }),
      responds: z.object({ items: z.array(waitingShape) }),
      async handle({ scope, query }) {
        return { body: { items: await listWaiting(kit.kernel.database, scope, query.userId) } }
      },
    }),
    ...(['approve', 'deny'] as const).map((verdict) =>
      route({
        method: 'POST',
        path: `/authentication-requests/:id/${verdict}`,
        summary: verdict === 'approve' ? 'The person has said yes' : 'The person has said no',
        action: verdict === 'approve' ? 'approve' : 'decline',
        resourceType: 'BackchannelRequest',
        resource: (input: RouteInput) => requestTarget(kit, input, 'listBackchannelRequests'),
        successStatus: 204,
        refuses: ['backchannel_request_settled', 'credential_refused'],
        async handle(input) {
          await answerRequest(kit, { scope: input.scope, id: input.params.id ?? '', verdict })
          return {}
        },
      }),
    ),
  ],
})
