/** Which stages need which: no cycles, nothing that is defined later, and what the target needs. */
import { DockerfileInvalid } from './errors.ts'
import type { Need, PlannedStage } from './stages.ts'
import type { Dockerfile } from './types.ts'

export interface StageGraph {
  readonly dockerfile: Dockerfile
  readonly stages: readonly PlannedStage[]
  /** What each stage reads from besides its base. */
  readonly needs: readonly (readonly Need[])[]
}

/** @throws {DockerfileInvalid} stages need each other, or one itself */
export function refuseCycle({ dockerfile, stages, needs }: StageGraph): void {
  const left = unordered(stages.map((planned, index) => stagesNeeded(planned, needs[index] ?? [])))
  if (left.size === 0) return
  // A cycle goes forward somewhere, and only COPY and mounts do.
  const found = needs
    .flatMap((each, index) => (left.has(index) ? each.map((need) => ({ ...need, index })) : []))
    .find(({ origin, index }) => origin.kind === 'stage' && origin.index >= index && left.has(origin.index))
  if (found?.origin.kind !== 'stage') return
  const [self, other] = [stages[found.index]?.label, stages[found.origin.index]?.label]
  throw new DockerfileInvalid(
    `circular dependency detected on stage: ${self}`,
    { near: found.from, hint: self === other ? `${self} needs itself` : `it needs ${other}, which needs ${self}` },
    { source: dockerfile.source, lines: found.instruction.lines },
  )
}

/** Takes away what needs nothing, again and again; those that stay need each other, or one that does. */
function unordered(needs: readonly (readonly number[])[]): ReadonlySet<number> {
  const neededBy = needs.map((): number[] => [])
  for (const [index, others] of needs.entries()) for (const other of others) neededBy[other]?.push(index)
  const open = needs.map((others) => others.length)
  const free = open.flatMap((count, index) => (count === 0 ? [index] : []))
  for (const index of free)
    for (const other of neededBy[index] ?? []) {
      open[other] = (open[other] ?? 0) - 1
      if (open[other] === 0) free.push(other)
    }
  return new Set(open.flatMap((count, index) => (count > 0 ? [index] : [])))
}

function stagesNeeded({ base, replacedBy }: PlannedStage, needs: readonly Need[]): readonly number[] {
  if (replacedBy !== undefined) return []
  const origins = [base, ...needs.map(({ origin }) => origin)]
  return [...new Set(origins.flatMap((origin) => (origin.kind === 'stage' ? [origin.index] : [])))]
}

/**
 * The target and all it needs, in the order of the file.
 *
 * @throws {DockerfileInvalid} one of them needs a stage that is defined after it
 */
export function findNeeded({ dockerfile, stages, needs }: StageGraph, target: PlannedStage): readonly PlannedStage[] {
  const found = new Set([target.stage.index])
  for (const index of found) {
    const planned = stages[index]
    if (planned === undefined) continue
    for (const need of needs[index] ?? []) refuseForward(dockerfile, planned, { need, stages })
    for (const other of stagesNeeded(planned, needs[index] ?? [])) found.add(other)
  }
  return stages.filter(({ stage }) => found.has(stage.index))
}

function refuseForward(
  { source }: Dockerfile,
  { stage, label }: PlannedStage,
  { need, stages }: { readonly need: Need; readonly stages: readonly PlannedStage[] },
): void {
  const { origin, from, instruction } = need
  // The content of a context is there from the beginning, wherever the stage stands that it stands for.
  if (origin.kind !== 'stage' || origin.index < stage.index || stages[origin.index]?.replacedBy !== undefined) return
  const what = instruction.kind === 'COPY' ? 'copy' : 'mount'
  throw new DockerfileInvalid(
    `cannot ${what} from stage ${JSON.stringify(from)}, it needs to be defined before current stage ${JSON.stringify(label)}`,
    { near: from, hint: `move stage ${from} above this one` },
    { source, lines: instruction.lines },
  )
}
