/** The stages of a Dockerfile as a graph: what each is built from, and which ones the target needs. */
import { InvalidArgument } from '../../errors.ts'
import { parsePlatform } from '../../images/platform.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { closest } from '../../ui/closest.ts'
import { type BuildSettings, globalArguments } from './arguments.ts'
import { ExpansionBudget } from './budget.ts'
import { DockerfileInvalid, within } from './errors.ts'
import { expandWord } from './expand.ts'
import { mountOrigin } from './mount.ts'
import { baseOf, collectNames, contextFor, type Names, type Origin, sourceOf } from './origins.ts'
import { findNeeded, refuseCycle } from './stage-graph.ts'
import type { Dockerfile, FromInstruction, Instruction, Stage } from './types.ts'

export interface StageSettings extends BuildSettings {
  /** Names of `--build-context`. */
  readonly contexts?: readonly string[]
}

export interface StagePlan {
  readonly dockerfile: Dockerfile
  /** As in the file, also those that nobody needs. */
  readonly stages: readonly PlannedStage[]
  readonly target: PlannedStage
  /** The target and all it needs; each stands behind what it needs itself. */
  readonly needed: readonly PlannedStage[]
  /** The variables of FROM lines, for `StageScope`. */
  readonly globals: ReadonlyMap<string, string>
  readonly names: Names
  /** For all that is expanded from here on. */
  readonly budget: ExpansionBudget
}

export interface PlannedStage {
  readonly stage: Stage
  /** The stage's name, or `stage-2`. */
  readonly label: string
  readonly base: Origin
  /** Of `FROM --platform`, or of the stage it is built from; undefined: the target's. */
  readonly platform?: Platform
  /** A `--build-context` of this name: its content stands for the stage, which is not built. */
  readonly replacedBy?: string
  /** ONBUILD of the stage it is built from, to be carried out first. Those of a base image only the image knows. */
  readonly triggers: readonly Instruction[]
}

/** Something that an instruction reads from. */
export interface Need {
  readonly origin: Origin
  /** As written. */
  readonly from: string
  readonly instruction: Instruction
}

/** Of names that a mistyped one may mean: looking at all of thousands would take long. */
const MAX_CANDIDATES = 200

/** Every stage built from one with triggers has them all: they multiply. */
const MAX_TRIGGERS = 10_000

/**
 * Resolves the names in FROM and `--from`, and finds what the target needs.
 *
 * @throws {DockerfileInvalid} a base that is no reference, an unknown target or stage number, stages that need each
 * other, a stage that is needed before it is defined
 */
export function planStages(dockerfile: Dockerfile, settings: StageSettings): StagePlan {
  const budget = new ExpansionBudget()
  const globals = globalArguments(dockerfile, settings, budget)
  const names = collectNames(dockerfile.stages, settings.contexts ?? [])
  const stages = planAll({ dockerfile, globals, names, budget })
  const target = findTarget(stages, settings.target)
  const needs = stages.map((planned) => needsOf(planned, { dockerfile, names }))
  const graph = { dockerfile, stages, needs }
  refuseCycle(graph)
  return { dockerfile, stages, target, needed: findNeeded(graph, target), globals, names, budget }
}

interface Context {
  readonly dockerfile: Dockerfile
  readonly globals: ReadonlyMap<string, string>
  readonly names: Names
  readonly budget: ExpansionBudget
}

function planAll(context: Context): readonly PlannedStage[] {
  const stages: PlannedStage[] = []
  let triggers = 0
  for (const stage of context.dockerfile.stages) {
    const planned = planStage(stage, stages, context)
    stages.push(planned)
    triggers += planned.triggers.length
    if (triggers > MAX_TRIGGERS) throw new DockerfileInvalid(`more than ${MAX_TRIGGERS} ONBUILD triggers would be run`)
  }
  return stages
}

function planStage(stage: Stage, before: readonly PlannedStage[], context: Context): PlannedStage {
  const { dockerfile, globals, names, budget } = context
  return within({ source: dockerfile.source, lines: stage.from.lines }, () => {
    const expansion = {
      lookup: (name: string) => budget.spend(globals.get(name)),
      escape: dockerfile.directives.escape,
    }
    const name = expandWord(stage.from.base, expansion)
    if (name === '')
      throw new DockerfileInvalid(`base name (${stage.from.base.slice(0, 200)}) should not be blank`, {
        near: stage.from.base,
        hint: unsetHint(stage.from.base, globals),
      })
    const own = platformOf(stage.from, { expand: (word) => expandWord(word, expansion), globals })
    const replacedBy = contextFor(stage.name, names)
    const base = baseOf(name, stage.index, names)
    const parent = base.kind === 'stage' ? before[base.index] : undefined
    const platform = parent === undefined ? own : parent.platform
    return {
      stage,
      label: stage.name ?? `stage-${stage.index}`,
      base,
      ...(platform !== undefined && { platform }),
      ...(replacedBy !== undefined && { replacedBy }),
      triggers: parent === undefined || replacedBy !== undefined ? [] : triggersOf(parent),
    }
  })
}

/** Names the variable that is meant, or that has no value. */
function unsetHint(word: string, globals: ReadonlyMap<string, string>): string {
  const name = /\$\{?(\w+)/.exec(word)?.[1] ?? ''
  const near = globals.has(name) ? undefined : closest(name.slice(0, 40), globals.keys().take(MAX_CANDIDATES).toArray())
  return near === undefined ? 'give the ARG in it a default before the first FROM' : `did you mean $${near}?`
}

interface PlatformContext {
  readonly expand: (word: string) => string
  readonly globals: ReadonlyMap<string, string>
}

function platformOf({ platform }: FromInstruction, { expand, globals }: PlatformContext): Platform | undefined {
  if (platform === undefined) return undefined
  const text = expand(platform)
  if (text === '')
    throw new DockerfileInvalid(`empty platform value from expression ${platform.slice(0, 200)}`, {
      near: platform,
      hint: unsetHint(platform, globals),
    })
  try {
    return parsePlatform(text)
  } catch (error) {
    if (!(error instanceof InvalidArgument)) throw error
    throw new DockerfileInvalid(`failed to parse platform ${platform.slice(0, 200)}: ${error.message}`, {
      cause: error,
      hint: error.hint,
      near: platform,
    })
  }
}

function triggersOf({ stage, replacedBy }: PlannedStage): readonly Instruction[] {
  if (replacedBy !== undefined) return []
  return stage.instructions.flatMap((one) => (one.kind === 'ONBUILD' ? [{ ...one.instruction, lines: one.lines }] : []))
}

function findTarget(stages: readonly PlannedStage[], wanted: string | undefined): PlannedStage {
  const name = wanted?.toLowerCase() ?? ''
  const found =
    name === '' ? stages.at(-1) : (stages.findLast(({ stage }) => stage.name === name) ?? stages[stageNumber(name)])
  if (found !== undefined) return found
  const known = stages.flatMap(({ stage }) => stage.name ?? [])
  const near = closest(name.slice(0, 40), known)
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  throw new DockerfileInvalid(`target stage ${JSON.stringify(wanted?.slice(0, 200))} could not be found${suggestion}`)
}

function stageNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1
}

/** What one stage reads from besides its base. */
function needsOf(
  { stage, triggers, replacedBy }: PlannedStage,
  context: Pick<Context, 'dockerfile' | 'names'>,
): readonly Need[] {
  if (replacedBy !== undefined) return []
  return [...triggers, ...stage.instructions].flatMap((instruction) =>
    within({ source: context.dockerfile.source, lines: instruction.lines }, () =>
      needsOfInstruction(instruction, stage.index, context.names),
    ),
  )
}

/**
 * What an instruction reads from besides the stage and the build context; also for the triggers of a base image.
 *
 * @param index - of the stage it stands in
 * @throws {DockerfileInvalid} without a place: no such stage number, no image reference
 */
export function needsOfInstruction(instruction: Instruction, index: number, names: Names): readonly Need[] {
  if (instruction.kind === 'COPY' && instruction.from !== undefined) {
    const { from } = instruction
    return [{ origin: sourceOf(from, index, { names, numbers: true }), from, instruction }]
  }
  if (instruction.kind !== 'RUN') return []
  return instruction.mounts
    .flatMap((mount) => mountOrigin(mount) ?? [])
    .map((from) => ({ origin: sourceOf(from, index, { names, numbers: false }), from, instruction }))
}
