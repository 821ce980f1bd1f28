/** Steps that put files on top of the layers: portion after portion into one directory, which becomes one layer. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { StackedLayer } from '../../images/building.ts'
import { stepKey } from '../cache/key.ts'
import { makeLayer } from '../layer.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { Step } from '../solve-step.ts'
import type { StepOptions } from './options.ts'

/** What it takes to carry one out. */
export type LandOptions = Pick<StepOptions, 'room' | 'store' | 'settings' | 'signal'>

/** What comes from one place. */
export interface Portion extends Pick<Step, 'key' | 'contentKey'> {
  /** @param doubt - of `Step.run` */
  land(ground: Ground, doubt: () => void): Promise<void>
}

/** What a portion lands on. */
export interface Ground {
  /** Of an overlay. */
  readonly upper: string
  /** Directories that are looked at, top-most first: with portions that came before, and without layers for `--link`. */
  readonly lower: readonly string[]
  /** What the overlay comes to stand on: `lower` without what came before. */
  readonly below: readonly string[]
  /** All layers below, where names of users are looked up. */
  readonly layers: readonly string[]
}

export interface Landed {
  readonly kind: string
  readonly description: string
  readonly below: readonly StackedLayer[]
  readonly link: boolean
  readonly independent: boolean
}

/** @param portions - at least one; where two want the same place the last one has it */
export function landStep(landed: Landed, portions: readonly Portion[], options: LandOptions): Step {
  const { kind, description, below, independent } = landed
  const run = (doubt: () => void) => landAll(landed, portions, { ...options, doubt })
  return { kind, description, below, independent, run, ...keysOf(portions) }
}

/** Of several portions those that cost least to know. */
function keysOf(portions: readonly Portion[]): Pick<Step, 'key' | 'contentKey'> {
  const [first, second] = portions
  if (first !== undefined && second === undefined) {
    const { key, contentKey } = first
    return { ...(key !== undefined && { key }), ...(contentKey !== undefined && { contentKey }) }
  }
  const contentKey = async () => {
    const keys: string[] = []
    for (const { key, contentKey } of portions) keys.push(key ?? (await contentKey?.()) ?? '')
    return stepKey('several', keys)
  }
  return { contentKey }
}

async function landAll(
  { below, link }: Landed,
  portions: readonly Portion[],
  { room, store, settings, signal, doubt }: LandOptions & { readonly doubt: () => void },
): Promise<StackedLayer | undefined> {
  const layers = await store.directories(below)
  const lower = link ? [] : layers
  await using scratch = makeScratch(room.paths)
  const upper = join(scratch.path, 'upper')
  freshDirectory(upper, layers[0] === undefined ? 0o755 : statSync(layers[0]).mode & 0o7777)
  for (const [index, portion] of portions.entries())
    await portion.land({ upper, layers, below: lower, lower: index === 0 ? lower : [upper, ...lower] }, doubt)
  return await makeLayer(store, { upper, below, lower, epoch: settings.epoch, signal })
}
