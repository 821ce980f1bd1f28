/** `logs --clear`: an empty log, whether the container runs or not. */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { connectSupervisor } from '../../linux/supervisor-client.ts'
import { containerRunDirectory } from '../../paths.ts'
import { LogsUnreadable } from '../errors.ts'
import { findContainer } from '../find.ts'
import { holding } from '../hold.ts'
import type { ContainerRoom } from '../room.ts'
import { logPath } from './path.ts'

/** See `ContainerEngine.clearLogs`. The supervisor does it where there is one, between two entries. */
export async function clearLogs(room: ContainerRoom, name: string): Promise<void> {
  const record = await findContainer(room, name)
  const path = logPath(room.paths, record)
  if (path === undefined) throw new LogsUnreadable(record.name, record.settings.host.LogConfig.Type)
  await holding(room, record.id, async () => {
    const supervisor = await connectSupervisor(containerRunDirectory(room.paths, record.id))
    if (supervisor === undefined) return clearFiles(path)
    try {
      await supervisor.clearLog()
    } finally {
      supervisor.close()
    }
  })
}

function clearFiles(path: string): void {
  const name = basename(path)
  for (const found of readdirSync(dirname(path))) {
    if (found === name) replaceByEmpty(path)
    else if (found.startsWith(`${name}.`) && /^\d+$/.test(found.slice(name.length + 1)))
      rmSync(join(dirname(path), found), { force: true })
  }
}

/** A new file, never the old one cut: a reader tells them apart by their inodes, and misses nothing written since. */
function replaceByEmpty(path: string): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, '', { mode: 0o640 })
  renameSync(fresh, path)
}
