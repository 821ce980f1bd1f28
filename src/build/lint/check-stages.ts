/** What the instructions of a stage show, one after the other. */
import { closest } from '../../ui/closest.ts'
import { DockerfileInvalid } from '../dockerfile/errors.ts'
import type { Expanded } from '../dockerfile/expand-instruction.ts'
import { StageScope } from '../dockerfile/scope.ts'
import type { PlannedStage, StagePlan } from '../dockerfile/stages.ts'
import type { Instruction } from '../dockerfile/types.ts'
import { checkInstruction } from './check-instruction.ts'
import type { LintSettings } from './lint.ts'
import type { Report } from './report.ts'

/** What a stage hands on to those built from it. */
interface State {
  readonly scope: StageScope
  /** All its variables are known. */
  readonly isKnown: boolean
  readonly hasWorkdir: boolean
  readonly hasShell: boolean
}

/** The builder sets it where the image does not. */
const ALWAYS_SET = 'PATH='
/** Of names that a mistyped one may mean: looking at all of thousands would take long. */
const MAX_CANDIDATES = 200

export function checkStages(plan: StagePlan, lint: LintSettings, report: Report): void {
  const states = new Map<number, State>()
  for (const planned of lint.stages)
    if (planned.replacedBy === undefined)
      states.set(planned.stage.index, checkStage(planned, { plan, lint, states, report }))
}

interface Context {
  readonly plan: StagePlan
  readonly lint: LintSettings
  readonly states: ReadonlyMap<number, State>
  readonly report: Report
}

function checkStage(planned: PlannedStage, context: Context): State {
  const { plan, lint, report } = context
  const { source, directives } = plan.dockerfile
  const inherited = inheritedState(planned, context)
  const unset = new Set<string>()
  const scope = new StageScope({
    source,
    escape: directives.escape,
    globals: plan.globals,
    budget: plan.budget,
    buildArgs: lint.settings.buildArgs,
    environment: [ALWAYS_SET, ...inherited.environment],
    parent: inherited.parent,
    onUnset: (name) => unset.add(name),
  })
  const progress = {
    hasWorkdir: inherited.hasWorkdir,
    hasShell: inherited.hasShell,
    last: new Map<string, Instruction>(),
  }
  for (const instruction of [...planned.triggers, ...planned.stage.instructions]) {
    unset.clear()
    const expanded = expandOrSkip(scope, instruction, inherited.isKnown)
    if (inherited.isKnown) reportUnset(instruction, { unset, scope, report })
    if (expanded !== undefined) checkInstruction(expanded, { progress, ignored: lint.ignored, report })
  }
  return { scope, isKnown: inherited.isKnown, hasWorkdir: progress.hasWorkdir, hasShell: progress.hasShell }
}

interface Inherited {
  readonly parent?: StageScope
  readonly environment: readonly string[]
  readonly isKnown: boolean
  readonly hasWorkdir: boolean
  readonly hasShell: boolean
}

function inheritedState({ stage, base }: PlannedStage, { lint, states }: Context): Inherited {
  const state = base.kind === 'stage' ? states.get(base.index) : undefined
  if (state !== undefined) {
    const { scope, isKnown, hasWorkdir, hasShell } = state
    return { parent: scope, environment: [], isKnown, hasWorkdir, hasShell }
  }
  const facts = lint.bases?.get(stage.index)
  return {
    environment: facts?.environment ?? [],
    isKnown: base.kind === 'scratch' || facts !== undefined,
    hasWorkdir: false,
    hasShell: facts?.hasShell ?? false,
  }
}

/** With a base that nobody knows, what seems wrong may be right. */
function expandOrSkip(scope: StageScope, instruction: Instruction, isKnown: boolean): Expanded | undefined {
  try {
    return scope.expand(instruction)
  } catch (error) {
    if (error instanceof DockerfileInvalid && !isKnown) return undefined
    throw error
  }
}

function reportUnset(
  instruction: Instruction,
  {
    unset,
    scope,
    report,
  }: { readonly unset: ReadonlySet<string>; readonly scope: StageScope; readonly report: Report },
): void {
  for (const name of unset) {
    const near = closest(name.slice(0, 40), scope.variables.keys().take(MAX_CANDIDATES).toArray())
    const suggestion = near === undefined ? '' : ` (did you mean $${near}?)`
    report('UndefinedVar', { ...instruction, near: name }, `Usage of undefined variable '$${name}'${suggestion}`)
  }
}
