/** What a target takes from whoever builds it, for `--call=outline`: arguments, secrets, agents. */
import { DockerfileInvalid } from './errors.ts'
import { type Lent, lentTo } from './lent.ts'
import { StageScope } from './scope.ts'
import type { PlannedStage, StagePlan } from './stages.ts'
import { describeName } from './targets.ts'
import type { ArgInstruction, Instruction, Lines } from './types.ts'

export interface OutlineArg {
  readonly name: string
  /** The comment above that begins with the name. */
  readonly description: string
  /** What it has in this build; undefined: none, or one that only a base image knows. */
  readonly value: string | undefined
  readonly lines: Lines
}

export interface OutlineLent extends Lent {
  readonly lines: Lines
}

export interface Outline {
  readonly name: string | undefined
  readonly description: string
  readonly args: readonly OutlineArg[]
  readonly lent: readonly OutlineLent[]
}

/** Of the target and all it needs. @param buildArgs - as given */
export function outlineOf(plan: StagePlan, buildArgs: ReadonlyMap<string, string>): Outline {
  const { stage } = plan.target
  const args = new Map<string, OutlineArg>()
  const lent = new Map<string, OutlineLent>()
  // The first time that an argument is declared is where it is explained.
  const keep = (found: readonly OutlineArg[]) => {
    for (const arg of found) if (!args.has(arg.name)) args.set(arg.name, arg)
  }
  const globals = plan.dockerfile.globals.filter((one) => isUsed(one, plan))
  keep(globals.flatMap((one) => argsOf(one, plan.globals)))
  const scopes = new Map<number, StageScope>()
  for (const planned of plan.needed) {
    const scope = openScope(planned, plan, { buildArgs, scopes })
    scopes.set(planned.stage.index, scope)
    for (const instruction of [...planned.triggers, ...planned.stage.instructions]) {
      follow(scope, instruction)
      if (instruction.kind === 'ARG') keep(argsOf(instruction, scope.variables))
      for (const one of lentTo(instruction)) {
        const key = `${one.type} ${one.id}`
        const before = lent.get(key)
        const required = one.required || before?.required === true
        lent.set(key, { ...one, required, lines: before?.lines ?? instruction.lines })
      }
    }
  }
  const description = describeName(stage.name, stage.from.comments)
  return { name: stage.name, description, args: [...args.values()], lent: [...lent.values()] }
}

function argsOf({ args, comments, lines }: ArgInstruction, values: ReadonlyMap<string, string>): OutlineArg[] {
  return args
    .filter(({ name }) => !PLATFORM.test(name))
    .map(({ name }) => ({ name, description: describeName(name, comments), value: values.get(name), lines }))
}

/** Every build has them. */
const PLATFORM = /^(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)$|^TARGETSTAGE$/

/** By a FROM line, or by a stage that repeats it. */
function isUsed({ args }: ArgInstruction, { needed }: StagePlan): boolean {
  return args.some(({ name }) =>
    needed.some(
      ({ stage }) =>
        new RegExp(`\\$\\{?${literal(name)}(?![A-Za-z0-9_])`).test(stage.from.code) ||
        stage.instructions.some((one) => one.kind === 'ARG' && one.args.some((arg) => arg.name === name)),
    ),
  )
}

/** Names of arguments may be anything. */
const literal = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '\\$&')

interface Scoping {
  readonly buildArgs: ReadonlyMap<string, string>
  readonly scopes: ReadonlyMap<number, StageScope>
}

function openScope({ base }: PlannedStage, plan: StagePlan, { buildArgs, scopes }: Scoping): StageScope {
  const { source, directives } = plan.dockerfile
  return new StageScope({
    source,
    escape: directives.escape,
    globals: plan.globals,
    buildArgs,
    environment: [],
    parent: base.kind === 'stage' ? scopes.get(base.index) : undefined,
    budget: plan.budget,
  })
}

/** Without the base image's own variables a word may make no sense that does in a build: then it has no value here. */
function follow(scope: StageScope, instruction: Instruction): void {
  if (instruction.kind !== 'ARG' && instruction.kind !== 'ENV') return
  try {
    scope.expand(instruction)
  } catch (error) {
    if (!(error instanceof DockerfileInvalid)) throw error
  }
}
