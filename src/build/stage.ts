/** A stage, instruction by instruction. */
import { CoracleError } from '../errors.ts'
import type { ImageConfig, Platform } from '../oci/descriptor.ts'
import { configure } from './configure.ts'
import { DockerfileInvalid, within } from './dockerfile/errors.ts'
import { excerpt } from './dockerfile/excerpt.ts'
import type { Expanded } from './dockerfile/expand-instruction.ts'
import { parseTrigger } from './dockerfile/parse.ts'
import { StageScope } from './dockerfile/scope.ts'
import type { PlannedStage, StagePlan } from './dockerfile/stages.ts'
import type { Instruction, Lines, Source } from './dockerfile/types.ts'
import { StepFailed } from './errors.ts'
import type { Progress, Vertex } from './progress.ts'
import { type Solved, solveStep } from './solve-step.ts'
import { addHistory, beginConfig, type StageState } from './state.ts'
import { layerInstruction } from './steps/instruction.ts'
import type { StepOptions } from './steps/options.ts'

export interface StageBase {
  readonly layers: StageState['layers']
  /** Of an image; undefined: there is nothing yet. */
  readonly config: ImageConfig | undefined
  /** Of a stage. */
  readonly parent: StageState | undefined
  /** For errors in its triggers. */
  readonly name: string
}

export interface StageOptions extends StepOptions {
  readonly plan: StagePlan
  readonly progress: Progress
  readonly platform: Platform
  /** Where there are steps of others to tell it from. */
  readonly shownPlatform: string | undefined
  /** Called for each variable that is used and not set. */
  readonly onUnset: (name: string, instruction: Instruction) => void
}

/** Instructions that make a layer, and are shown as steps. */
const SHOWN: ReadonlySet<string> = new Set(['RUN', 'COPY', 'ADD', 'WORKDIR'])

/** @throws {StepFailed} @throws {DockerfileInvalid} @throws {Cancelled} */
export async function buildStage(planned: PlannedStage, base: StageBase, options: StageOptions): Promise<StageState> {
  const state = beginState(base, options)
  const triggers = (base.config?.config?.OnBuild ?? []).map((trigger) => parseTrigger(trigger, base.name))
  const instructions = [...planned.triggers, ...triggers, ...planned.stage.instructions]
  const count = 1 + instructions.filter(({ kind }) => SHOWN.has(kind)).length
  let number = 1
  for (const instruction of instructions) {
    options.signal.throwIfAborted()
    if (SHOWN.has(instruction.kind)) number += 1
    const label = [options.shownPlatform, options.plan.stages.length > 1 ? planned.label : undefined]
    const prefix = `[${[...label, `${number}/${count}`].filter((part) => part !== undefined).join(' ')}]`
    await carryOut(state, instruction, { ...options, prefix })
  }
  return state
}

function beginState({ layers, config, parent }: StageBase, options: StageOptions): StageState {
  const { plan, settings, platform, onUnset } = options
  const begun = parent === undefined ? beginConfig(config) : { ...parent.config }
  if (parent !== undefined) delete begun.OnBuild
  const created = settings.epoch === undefined ? Date.parse(config?.created ?? '') : settings.epoch * 1000
  return {
    layers,
    config: begun,
    own: new WeakSet(),
    history: parent === undefined ? [...(config?.history ?? [])] : [...parent.history],
    author: parent === undefined ? config?.author : parent.author,
    createdAtMs: parent?.createdAtMs ?? (Number.isNaN(created) ? 0 : created),
    platform,
    scope: new StageScope({
      source: plan.dockerfile.source,
      escape: plan.dockerfile.directives.escape,
      globals: plan.globals,
      budget: plan.budget,
      buildArgs: settings.buildArgs,
      environment: begun.Env ?? [],
      parent: parent?.scope,
      onUnset,
    }),
    hasCommand: false,
  }
}

interface CarryingOut extends StageOptions {
  readonly prefix: string
}

async function carryOut(state: StageState, instruction: Instruction, options: CarryingOut): Promise<void> {
  const { source } = options.plan.dockerfile
  const expanded = state.scope.expand(instruction)
  if (within({ source, lines: instruction.lines }, () => configure(state, expanded))) return
  const name = `${options.prefix} ${instruction.code}`
  let tail = () => ''
  const work = (vertex: Vertex) => {
    tail = vertex.tail
    return solveLayer(state, expanded, { ...options, vertex })
  }
  try {
    await options.progress.run(name, work, ({ cached }) => cached)
  } catch (error) {
    throw explain(error, { lines: instruction.lines, name, tail: tail(), source })
  }
}

async function solveLayer(
  state: StageState,
  instruction: Expanded,
  options: CarryingOut & { readonly vertex: Vertex },
): Promise<Solved> {
  const { step, createdBy, after } = await layerInstruction(state, instruction, options)
  const solved = await solveStep(step, options)
  state.layers = solved.layers
  const { epoch } = options.settings
  state.createdAtMs = epoch === undefined ? solved.createdAtMs : epoch * 1000
  addHistory(state, { createdBy, hasLayer: solved.changed })
  after?.()
  return solved
}

interface Explaining {
  readonly source: Source
  readonly lines: Lines
  readonly name: string
  /** What the step printed last. */
  readonly tail: string
}

const SHOWN_LINES = 20

/** With the place in the Dockerfile, and what the step has said. */
export function explain(error: unknown, { source, lines, name, tail }: Explaining): unknown {
  if (!(error instanceof CoracleError) || error.code === 'CANCELLED' || error instanceof StepFailed) return error
  if (error instanceof DockerfileInvalid) return error.at({ source, lines })
  const said = tail.trimEnd().split('\n').slice(-SHOWN_LINES)
  const output = tail.trim() === '' ? [] : ['------', ` > ${name}:`, ...said, '------']
  const message = [`failed to solve: ${error.message}`, ...output, excerpt(source, lines)].join('\n')
  return new StepFailed(message, error)
}
