/** What containers use, look after look: those that start or end in between come and go. */
import { ContainerNotFound, ContainerNotRunning } from '../../containers/errors.ts'
import type { ContainerEngine, ContainerSummary, StatsSample } from '../../containers/types.ts'

export interface StatsViewOptions {
  /** As the user called them; all that run when empty. */
  readonly names: readonly string[]
  /** Also those that do not run; those that were named always show. */
  readonly all: boolean
}

/** One container as one look finds it. */
export interface StatsLook {
  readonly id: string
  readonly name: string
  /** As the user called it, else the short id. */
  readonly called: string
  /** undefined: it does not run */
  readonly sample: StatsSample | undefined
  /** Of the look before: rates are made of two. */
  readonly before: StatsSample | undefined
}

const SHORT_ID = 12

/**
 * In the order of the names, or newest first.
 *
 * @returns takes the next look
 * @throws {ContainerNotFound} @throws {AmbiguousContainer} one of the names; later looks leave out what has been removed
 */
export async function openStatsView(
  containers: ContainerEngine,
  { names, all }: StatsViewOptions,
): Promise<() => Promise<readonly StatsLook[]>> {
  const named = new Map<string, string>()
  for (const name of names) named.set(String((await containers.inspect(name))['Id']), name)
  const complete = all || named.size > 0
  let before = new Map<string, StatsSample>()
  return async () => {
    const listed = await containers.list({ all: complete })
    const looks = await Promise.all(
      chosen(listed, [...named.keys()]).map(async ({ id, name, state }) => ({
        id,
        name,
        called: named.get(id) ?? id.slice(0, SHORT_ID),
        sample: RUNNING.has(state) ? await sampleIfRunning(containers, id) : undefined,
        before: before.get(id),
      })),
    )
    before = new Map(looks.flatMap(({ id, sample }) => (sample === undefined ? [] : [[id, sample] as const])))
    return looks.filter(({ sample }) => complete || sample !== undefined)
  }
}

const RUNNING: ReadonlySet<ContainerSummary['state']> = new Set(['running', 'paused', 'stopping'])

function chosen(listed: readonly ContainerSummary[], ids: readonly string[]): readonly ContainerSummary[] {
  if (ids.length === 0) return listed
  return ids.flatMap((id) => listed.find((container) => container.id === id) ?? [])
}

async function sampleIfRunning(containers: ContainerEngine, id: string): Promise<StatsSample | undefined> {
  try {
    return await containers.stats(id)
  } catch (error) {
    if (error instanceof ContainerNotRunning || error instanceof ContainerNotFound) return undefined // just now
    throw error
  }
}
