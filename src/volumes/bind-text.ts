/** A mount back in the words of `-v`. */
import { idMapText } from './parse/id-map.ts'
import type { MountSetting } from './types.ts'

export function bindText({ Source, Target, ...mount }: MountSetting): string {
  const { ReadOnly, NoCopy, Propagation, Overlay, IdMap } = mount
  const idMap = IdMap === undefined ? '' : idMapText(IdMap)
  const options = [
    ...(ReadOnly ? ['ro'] : []),
    ...(NoCopy ? ['nocopy'] : []),
    ...(Propagation === undefined ? [] : [Propagation]),
    ...(Overlay ? ['O'] : []),
    ...(IdMap === undefined ? [] : [idMap === '' ? 'idmap' : `idmap=${idMap}`]),
  ]
  return [Source, Target, ...(options.length === 0 ? [] : [options.join(',')])].join(':')
}
