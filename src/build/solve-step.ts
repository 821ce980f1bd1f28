/** One step: found in the cache, or carried out and remembered. */
import type { BuildStore, StackedLayer } from '../images/building.ts'
import { chainIDs } from '../images/snapshot.ts'
import type { Database } from '../state/database.ts'
import { acquireLock } from '../state/lock.ts'
import type { ImportedSteps } from './cache/imports.ts'
import { readStep, touchStep, writeStep } from './cache/records.ts'
import type { UsedSteps } from './cache/used-steps.ts'

export interface Step {
  /** Of what is asked, and of the layers it is asked on. At least one of the two keys is there, and either is enough. */
  readonly key?: string
  /** One by content, which costs more to know. */
  readonly contentKey?: () => Promise<string>
  readonly kind: string
  readonly description: string
  readonly below: readonly StackedLayer[]
  /** Its layer is the same on whatever stands below, and its keys say nothing of that. */
  readonly independent?: boolean
  /**
   * @param doubt - told that files have changed since their digest was made: the result is good, but not what the keys say
   * @returns the layer; undefined: nothing has changed
   */
  readonly run: (doubt: () => void) => Promise<StackedLayer | undefined>
}

export interface Solved {
  /** The step's own on top where it has one. */
  readonly layers: readonly StackedLayer[]
  readonly changed: boolean
  readonly cached: boolean
  readonly createdAtMs: number
}

export interface SolveOptions {
  readonly database: Database
  readonly store: BuildStore
  readonly noCache: boolean
  /** Steps that caches elsewhere know. */
  readonly imports: ImportedSteps
  /** Takes each step that is solved. */
  readonly used: UsedSteps
  readonly signal: AbortSignal
}

/** Of two builds that want the same step at once the second waits for the first. */
export async function solveStep(step: Step, options: SolveOptions): Promise<Solved> {
  const solved = await solve(step, options)
  if (solved.isCertain !== false) options.used.add({ ...solved, kind: step.kind, description: step.description })
  return solved
}

interface Found extends Solved {
  /** false: it is not what its keys say. */
  readonly isCertain?: boolean
  readonly keys: readonly string[]
  readonly imported: boolean
  /** The layers that its keys stand for. */
  readonly remembered: readonly StackedLayer[]
}

async function solve(step: Step, options: SolveOptions): Promise<Found> {
  const { database, noCache, signal } = options
  const keys = step.key === undefined ? [] : [step.key]
  if (noCache) return carryOut(step, [...keys, ...(await contentKeys(step))], options)
  const known = await lookUp(step, keys, options)
  if (known !== undefined) return known
  const all = [...keys, ...(await contentKeys(step))]
  const same = await lookUp(step, all, options)
  if (same !== undefined) return same
  using _ = await acquireLock(database, `build:${all[0]}`, { signal })
  return (await lookUp(step, all, options)) ?? (await carryOut(step, all, options))
}

async function contentKeys({ contentKey }: Step): Promise<readonly string[]> {
  return contentKey === undefined ? [] : [await contentKey()]
}

/** By the first key that is known, here or elsewhere; the others are remembered as well then. */
async function lookUp(step: Step, keys: readonly string[], options: SolveOptions): Promise<Found | undefined> {
  for (const key of keys) {
    const found = await lookUpHere(step, { key, keys }, options)
    if (found !== undefined) return found
  }
  for (const key of keys) {
    const found = options.imports.find(key, step.below)
    // What it stands on is kept already.
    if (found === undefined || !(await options.store.keep(found.layers))) continue
    const own = found.layers.slice(step.below.length)
    const remembered = step.independent === true ? own.map((layer) => stackedOn([], layer)) : found.layers
    return { ...found, cached: true, keys, imported: true, remembered }
  }
  return undefined
}

async function lookUpHere(
  step: Step,
  { key, keys }: { readonly key: string; readonly keys: readonly string[] },
  { database, store }: SolveOptions,
): Promise<Found | undefined> {
  const found = readStep(database, key)
  // Kept first, looked at again then: a prune may have come between.
  if (found === undefined || !(await store.keep(found.layers)) || readStep(database, key) === undefined)
    return undefined
  touchStep(database, key)
  const { kind, description } = step
  const others = keys.filter((other) => other !== key)
  if (others.length > 0) writeStep(database, { ...found, keys: others, kind, description })
  const known = { ...found, cached: true, keys, imported: false, remembered: found.layers }
  if (step.independent !== true) return known
  const own = found.layers.map((layer) => stackedOn(step.below, layer))
  await store.directories(own) // unpacked once more: it is another snapshot
  return { ...known, layers: [...step.below, ...own] }
}

async function carryOut(step: Step, keys: readonly string[], { database }: SolveOptions): Promise<Found> {
  const { kind, description, below } = step
  let isCertain = true
  const layer = await step.run(() => {
    isCertain = false
  })
  const layers = layer === undefined ? below : [...below, layer]
  const solved = { layers, changed: layer !== undefined, createdAtMs: Date.now() }
  const alone = layer === undefined ? [] : [stackedOn([], layer)]
  const remembered = step.independent === true ? alone : layers
  if (isCertain) writeStep(database, { ...solved, layers: remembered, keys, kind, description })
  return { ...solved, cached: false, keys, imported: false, isCertain, remembered }
}

function stackedOn(below: readonly StackedLayer[], layer: StackedLayer): StackedLayer {
  const chainID = chainIDs([...below.map(({ diffID }) => diffID), layer.diffID]).at(-1) ?? layer.diffID
  return { ...layer, chainID }
}
