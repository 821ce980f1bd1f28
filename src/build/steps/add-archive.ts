/** An archive that ADD unpacks over the layers. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { StackedLayer } from '../../images/building.ts'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import type { Archive } from '../copy/archive-kind.ts'
import { extractOver } from '../copy/extract.ts'
import { openLanding, resolveInLayers } from '../copy/landing.ts'
import { resolveOwner } from '../copy/owners.ts'
import type { Expanded } from '../dockerfile/expand-instruction.ts'
import { makeLayer } from '../layer.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { baseOf, isIndependent } from './link.ts'
import type { StepOptions } from './options.ts'

export type Add = Extract<Expanded, { kind: 'ADD' }>

interface Unpacking extends Archive {
  readonly instruction: Add
}

export function archiveStep(state: StageState, unpacking: Unpacking, options: StepOptions): Step {
  const { layers, config } = state
  const { destination, chown, link } = unpacking.instruction
  const target = posix.resolve('/', config.WorkingDir ?? '/', destination)
  const independent = isIndependent(link, chown)
  const shape = [baseOf(layers, independent), target, chown ?? null, link, options.settings.epoch ?? null]
  const { path } = unpacking
  const before = stateOf(path)
  return {
    contentKey: async () => stepKey('add-archive', [...shape, await fileDigest(path)]),
    kind: 'add',
    description: unpacking.instruction.code,
    below: layers,
    independent,
    run: async (doubt) => {
      const layer = await unpack(layers, { ...unpacking, target }, options)
      if (stateOf(path) !== before) doubt()
      return layer
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
  below: readonly StackedLayer[],
  { instruction, target, ...archive }: Unpacking & { readonly target: string },
  { room, store, settings, signal }: StepOptions,
): Promise<StackedLayer | undefined> {
  const lower = await store.directories(below)
  await using scratch = makeScratch(room.paths)
  const upper = join(scratch.path, 'upper')
  freshDirectory(upper, lower[0] === undefined ? 0o755 : statSync(lower[0]).mode & 0o7777)
  const owner = instruction.chown === undefined ? undefined : resolveOwner(instruction.chown, lower)
  await using applier = openApplier(upper, { idMaps: userIdMaps() })
  const seen = instruction.link ? [] : lower
  const mtimeSeconds = settings.epoch ?? Math.floor(Date.now() / 1000)
  const landing = openLanding({ lower: seen, applier, owner: owner ?? { uid: 0, gid: 0 }, mtimeSeconds })
  const base = resolveInLayers(seen, target)
  landing.directory(base)
  await extractOver(archive, { applier, landing, lower: seen, base, owner, signal })
  await applier.finish()
  return await makeLayer(store, { upper, below, lower: seen, epoch: settings.epoch, signal })
}
