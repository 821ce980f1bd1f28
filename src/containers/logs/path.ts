/** Where the log of a container is. */
import { join } from 'node:path'
import { containerDirectory, type Paths } from '../../paths.ts'
import type { ContainerRecord } from '../records.ts'

/** undefined where the driver writes no file of ours: `none`, `journald`. What goes to a plugin's is in one as well. */
export function logPath(paths: Paths, { id, settings }: Pick<ContainerRecord, 'id' | 'settings'>): string | undefined {
  const directory = containerDirectory(paths, id)
  switch (settings.host.LogConfig?.Type ?? 'json-file') {
    case 'json-file':
      return join(directory, `${id}-json.log`)
    case 'local':
      return join(directory, 'container.log')
    case 'none':
    case 'journald':
      return undefined
    default:
      return join(directory, `${id}-json.log`)
  }
}
