/** Where a supervisor writes what its container prints. */
import type { SuperviseOptions } from '../../linux/supervisor.ts'
import type { Paths } from '../../paths.ts'
import { fileLimits, OWN_LOG_DRIVERS } from '../parse/logging.ts'
import type { ContainerRecord } from '../records.ts'
import { detailsOf } from './details.ts'
import { JOURNAL_SOCKET } from './journal.ts'
import { logPath } from './path.ts'

/** Nowhere for the driver `none`. */
export function logTarget(
  paths: Paths,
  container: Pick<ContainerRecord, 'id' | 'name' | 'imageName' | 'settings'>,
): Pick<SuperviseOptions, 'log' | 'journal'> {
  const config = container.settings.host.LogConfig
  if (config.Type === 'journald') return { journal: { socket: JOURNAL_SOCKET, fields: journalFields(container) } }
  const path = logPath(paths, container)
  if (path === undefined) return {}
  const own = OWN_LOG_DRIVERS.includes(config.Type)
  return { log: { path, ...fileLimits(own ? config : { Type: 'json-file', Config: {} }) } } // options of a plugin's are its own
}

/** As docker names them. */
function journalFields({ id, name, imageName, settings }: Parameters<typeof logTarget>[1]): readonly string[] {
  const { tag, ...others } = detailsOf(settings)
  const short = id.slice(0, 12)
  return [
    `CONTAINER_ID=${short}`,
    `CONTAINER_ID_FULL=${id}`,
    `CONTAINER_NAME=${name}`,
    `CONTAINER_TAG=${tag ?? short}`,
    `IMAGE_NAME=${imageName}`,
    `SYSLOG_IDENTIFIER=${tag ?? short}`,
    // The journal knows capitals, digits and underscores.
    ...Object.entries(others).map(
      ([key, value]) =>
        `${key
          .toUpperCase()
          .replace(/[^A-Z0-9]/g, '_')
          .replace(/^_+/, '')}=${value}`,
    ),
  ]
}
