/** `cp`: files between a container and the host, by docker's rules. */
import { InvalidArgument } from '../../errors.ts'
import type { ContainerRoom } from '../room.ts'
import type { CopyRequest, RunIO } from '../types.ts'
import { openCopyProgress } from './copy-progress.ts'
import type { Copying } from './copying.ts'
import { CopyImpossible } from './errors.ts'

/** See `ContainerEngine.copy`. */
export async function copyFiles(room: ContainerRoom, request: CopyRequest, io: RunIO): Promise<void> {
  const { from, to, signal } = request
  const { container, inside, outside } = sides(request)
  const told = request.quiet === false && to.path !== '-' ? io.stderr : undefined
  using progress = openCopyProgress(told, `Copying ${from.container === undefined ? 'to' : 'from'} container`)
  const copying: Copying = {
    container,
    inside: inside.startsWith('/') ? inside : `/${inside}`,
    outside,
    archive: request.archive ?? false,
    followLink: request.followLink ?? false,
    io,
    signal,
    onBytes: progress.add,
  }
  if (from.container !== undefined) await (await import('./copy-out.ts')).copyOut(room, copying)
  else await (await import('./copy-in.ts')).copyIn(room, copying)
  progress.done(to.container === undefined ? to.path : `${to.container}:${to.path}`)
}

/** @throws {InvalidArgument} @throws {CopyImpossible} not exactly one of them is a container's */
function sides({ from, to }: CopyRequest): Pick<Copying, 'container' | 'inside' | 'outside'> {
  if (from.path === '' && from.container === undefined) throw new InvalidArgument('source can not be empty')
  if (to.path === '' && to.container === undefined) throw new InvalidArgument('destination can not be empty')
  if (from.container !== undefined && to.container !== undefined)
    throw new CopyImpossible('copying between containers is not supported', {
      hint: `pipe it: coracle cp ${from.container}:PATH - | coracle cp - ${to.container}:PATH`,
    })
  const [inner, outer] = from.container === undefined ? [to, from] : [from, to]
  if (inner.container === undefined) throw new CopyImpossible('must specify at least one container source')
  if (inner.path === '') throw new CopyImpossible('bad parameter: path cannot be empty')
  return { container: inner.container, inside: inner.path, outside: outer.path }
}
