import { errors } from '../errors.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'

/** Set once, when the server is told to stop. */
export type Draining = { isDraining: boolean }

/** Requests that were accepted are finished; new ones on connections kept alive are told to go elsewhere. */
export function drain({ draining }: PipelineDeps): Layer {
  return (_context, next) => {
    if (!draining.isDraining) return next()
    return Promise.reject(errors.shutting_down({ headers: { 'retry-after': '1', connection: 'close' } }))
  }
}
