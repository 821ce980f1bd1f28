/** WORKDIR: the directory, and those above it, where the layers have none. */
import { join, posix } from 'node:path'
import type { StackedLayer } from '../../images/building.ts'
import { openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { stepKey } from '../cache/key.ts'
import { openLanding, resolveInLayers } from '../copy/landing.ts'
import { resolveOwner } from '../copy/owners.ts'
import { makeLayer } from '../layer.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import type { StepOptions } from './options.ts'

export function workdirStep(state: StageState, path: string, options: StepOptions): Step {
  const { layers } = state
  const user = state.config.User ?? ''
  const directory = posix.resolve('/', state.config.WorkingDir ?? '/', path)
  return {
    key: stepKey('workdir', [layers.at(-1)?.chainID ?? '', directory, user, options.settings.epoch ?? null]),
    kind: 'workdir',
    description: `WORKDIR ${directory}`,
    below: layers,
    run: () => makeDirectory(layers, { directory, user }, options),
  }
}

async function makeDirectory(
  below: readonly StackedLayer[],
  { directory, user }: { readonly directory: string; readonly user: string },
  { room, store, settings, signal }: StepOptions,
): Promise<StackedLayer | undefined> {
  const lower = await store.directories(below)
  await using scratch = makeScratch(room.paths)
  const upper = join(scratch.path, 'upper')
  freshDirectory(upper, 0o755)
  await using applier = openApplier(upper, { idMaps: userIdMaps() })
  const mtimeSeconds = settings.epoch ?? Math.floor(Date.now() / 1000)
  const landing = openLanding({ lower, applier, owner: resolveOwner(user, lower), mtimeSeconds })
  const place = resolveInLayers(lower, directory)
  if (landing.kindOf(place) === 'directory') return undefined
  landing.directory(place)
  await applier.finish()
  return await makeLayer(store, { upper, below, lower, epoch: settings.epoch, signal })
}
