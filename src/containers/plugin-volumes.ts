/** Volumes whose data a plugin's driver keeps: mounted by it before the container starts, and given back after its end. */
import { statSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { RuntimeSpec } from '../oci/runtime-spec.ts'
import { PluginFailed } from '../plugins/npm/errors.ts'
import { transaction } from '../state/database.ts'
import { insertVolumeEvent, readVolume, usesBy, type VolumeUse } from '../volumes/records.ts'
import type { VolumeRecord } from '../volumes/types.ts'
import type { ContainerRoom } from './room.ts'

interface ForeignUse {
  readonly volume: VolumeRecord
  readonly use: VolumeUse
}

function foreignUses({ database }: ContainerRoom, container: string): readonly ForeignUse[] {
  return usesBy(database, container).flatMap((use) => {
    const volume = readVolume(database, use.volume)
    return volume === undefined || volume.driver === 'local' ? [] : [{ volume, use }]
  })
}

/**
 * Puts the directories that drivers give in place of the volumes' own.
 *
 * @param directory - of the container, which holds `config.json`
 * @throws {PluginFailed} what was mounted before is given back by whoever cleans up after the container
 */
export async function mountForeign(
  room: ContainerRoom,
  { id, spec, directory }: { readonly id: string; readonly spec: RuntimeSpec; readonly directory: string },
): Promise<RuntimeSpec> {
  const uses = foreignUses(room, id)
  if (uses.length === 0) return spec
  const { openVolumeDriver } = await import('../plugins/npm/drivers.ts')
  const sources = new Map<string, string>()
  for (const { volume, use } of uses) {
    const driver = await openVolumeDriver(room.paths, volume.driver)
    const path: unknown = await driver.mount(volume, id)
    const isDirectory =
      typeof path === 'string' && isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory()
    if (typeof path !== 'string' || isDirectory !== true)
      throw new PluginFailed(`the volume driver ${volume.driver}`, `it has no directory for the volume ${volume.name}`)
    sources.set(use.mount.Target, path)
  }
  const mounts = spec.mounts?.map((mount) => {
    const source = sources.get(mount.destination)
    return source === undefined ? mount : { ...mount, source }
  })
  const mounted = { ...spec, ...(mounts !== undefined && { mounts }) }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(mounted))
  return mounted
}

/** What a driver says against it is an event of the volume: the container has ended all the same. */
export async function unmountForeign(room: ContainerRoom, container: string): Promise<void> {
  for (const { volume } of foreignUses(room, container)) {
    const { openVolumeDriver } = await import('../plugins/npm/drivers.ts')
    try {
      await (await openVolumeDriver(room.paths, volume.driver)).unmount(volume, container)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const { driver, name } = volume
      transaction(room.database, () =>
        insertVolumeEvent(room.database, name, { action: 'unmount_failed', container, driver, reason }),
      )
    }
  }
}
