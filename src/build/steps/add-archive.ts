/** An archive that ADD unpacks over the layers. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import type { Archive } from '../copy/archive-kind.ts'
import { extractOver } from '../copy/extract.ts'
import { openLanding, resolveInLayers } from '../copy/landing.ts'
import { resolveOwner } from '../copy/owners.ts'
import type { Expanded } from '../dockerfile/expand-instruction.ts'
import type { StageState } from '../state.ts'
import type { Ground, LandOptions, Portion } from './land.ts'
import { baseOf, isIndependent } from './link.ts'

export type Add = Extract<Expanded, { kind: 'ADD' }>

interface Unpacking extends Archive {
  readonly instruction: Add
}

export function archivePortion(state: StageState, unpacking: Unpacking, options: LandOptions): Portion {
  const { layers, config } = state
  const { destination, chown, link } = unpacking.instruction
  const target = posix.resolve('/', config.WorkingDir ?? '/', destination)
  const base = baseOf(layers, isIndependent(link, chown))
  const shape = [base, target, chown ?? null, link, options.settings.epoch ?? null]
  const { path } = unpacking
  const before = stateOf(path)
  return {
    contentKey: async () => stepKey('add-archive', [...shape, await fileDigest(path)]),
    land: async (ground, doubt) => {
      await unpack(ground, { ...unpacking, target }, options)
      if (stateOf(path) !== before) doubt()
    },
  }
}

/** Another one when the file has been written to, or replaced. */
function stateOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return [ino, size, mtimeNs, ctimeNs].join(' ')
}

async function fileDigest(path: string): Promise<string> {
  const { createReadStream } = await import('node:fs')
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function unpack(
  { upper, lower, below, layers }: Ground,
  { instruction, target, ...archive }: Unpacking & { readonly target: string },
  { settings, signal }: LandOptions,
): Promise<void> {
  const owner = instruction.chown === undefined ? undefined : resolveOwner(instruction.chown, layers)
  await using applier = openApplier(upper, { idMaps: userIdMaps() })
  const mtimeSeconds = settings.epoch ?? Math.floor(Date.now() / 1000)
  const landing = openLanding({ lower, applier, owner: owner ?? { uid: 0, gid: 0 }, mtimeSeconds })
  const base = resolveInLayers(lower, target)
  landing.directory(base)
  await extractOver(archive, { applier, landing, lower, below, base, owner, signal })
  await applier.finish()
}
