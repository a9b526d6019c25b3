import type { Mount } from '../mount.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import { openState } from './open-request.ts'

/** The first mount whose paths match answers. */
export function mounts(deps: PipelineDeps): Layer {
  const find = mountFinder(deps.mounts)
  return async (context, next) => {
    const state = openState(context.state)
    const mount = find(state.path)
    if (!mount) return next()
    state.routeName = mount.name
    await mount.handle(context)
  }
}

function mountFinder(all: readonly Mount[]): (path: string) => Mount | undefined {
  const exact = new Map<string, Mount>()
  const below: { readonly prefix: string; readonly mount: Mount }[] = []
  for (const mount of all) {
    for (const path of mount.paths) {
      if (path.endsWith('/*')) below.push({ prefix: path.slice(0, -1), mount })
      else if (!exact.has(path)) exact.set(path, mount)
    }
  }
  return (path) => exact.get(path) ?? below.find(({ prefix }) => path.startsWith(prefix))?.mount
}
