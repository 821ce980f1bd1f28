/** What a build has come by, step by step: for caches that it writes, and to remember what others knew. */
import type { StackedLayer } from '../../images/building.ts'
import type { Database } from '../../state/database.ts'
import { readKeys, type StepRecord, writeStep } from './records.ts'

export interface UsedStep extends StepRecord {
  readonly keys: readonly string[]
  readonly kind: string
  readonly description: string
  /** It has come from a cache elsewhere. */
  readonly imported: boolean
  /** The layers that its keys stand for: of a step that is the same on any base its own alone. */
  readonly remembered: readonly StackedLayer[]
}

interface Known extends UsedStep {
  /** Chain ids of all results, one for each base; empty where there is no layer. */
  readonly tops: ReadonlySet<string>
}

export class UsedSteps {
  readonly #steps = new Map<string, Known>()

  add(step: UsedStep): void {
    const [id = ''] = step.keys
    const before = this.#steps.get(id)
    const keys = [...new Set([...(before?.keys ?? []), ...step.keys])]
    const tops = new Set([...(before?.tops ?? []), step.layers.at(-1)?.chainID ?? ''])
    this.#steps.set(id, { ...step, keys, tops })
  }

  /** In the order of their ends. With the keys by which other builds have come to the same result. */
  all(database: Database): readonly UsedStep[] {
    return this.#all(database)
  }

  #all(database: Database): readonly Known[] {
    return [...this.#steps.values()].map((step) => ({
      ...step,
      keys: [...new Set([...step.keys, ...readKeys(database, { ...step, layers: step.remembered })])],
    }))
  }

  /** Those alone whose results are in one of the images: all layers of the result are the image's lowest ones. */
  within(database: Database, images: readonly (readonly StackedLayer[])[]): readonly UsedStep[] {
    const chains = new Set<string>(images.flatMap((layers) => layers.map(({ chainID }) => chainID)))
    return this.#all(database).filter(({ tops }) => tops.has('') || [...tops].some((top) => chains.has(top)))
  }

  /**
   * Steps of caches elsewhere are known here from now on, where their layers have come.
   *
   * @param present - whether all of them are here, and what they were said to be
   */
  async remember(database: Database, present: (layers: readonly StackedLayer[]) => Promise<boolean>): Promise<void> {
    for (const step of this.#steps.values())
      if (step.imported && (await present(step.remembered))) writeStep(database, { ...step, layers: step.remembered })
  }
}
