/** Dockerfiles as text, through the parts of the frontend. */
import assert from 'node:assert/strict'
import type { BuildSettings } from '../../src/build/dockerfile/arguments.ts'
import { DockerfileInvalid } from '../../src/build/dockerfile/errors.ts'
import type { Expanded } from '../../src/build/dockerfile/expand-instruction.ts'
import { parseDockerfile } from '../../src/build/dockerfile/parse.ts'
import { StageScope } from '../../src/build/dockerfile/scope.ts'
import { planStages, type StagePlan, type StageSettings } from '../../src/build/dockerfile/stages.ts'
import type { Dockerfile, Instruction } from '../../src/build/dockerfile/types.ts'

export const AMD64 = { os: 'linux', architecture: 'amd64' } as const
export const ARM64 = { os: 'linux', architecture: 'arm64' } as const

/** A build for arm64 on amd64. */
export function buildSettings(buildArgs: Readonly<Record<string, string>> = {}): BuildSettings {
  return { buildArgs: new Map(Object.entries(buildArgs)), targetPlatform: ARM64, buildPlatform: AMD64 }
}

export function parse(text: string): Dockerfile {
  return parseDockerfile(new TextEncoder().encode(text))
}

export function plan(text: string, settings: Partial<StageSettings> = {}): StagePlan {
  return planStages(parse(text), { ...buildSettings(), ...settings })
}

/** The only instruction behind `FROM scratch`. */
export function parseOne<Kind extends Instruction['kind']>(
  kind: Kind,
  text: string,
): Extract<Instruction, { readonly kind: Kind }> {
  const [instruction, ...more] = parse(`FROM scratch\n${text}\n`).stages[0]?.instructions ?? []
  assert(instruction?.kind === kind && more.length === 0, `${text} is not one ${kind}`)
  return instruction as Extract<Instruction, { readonly kind: Kind }>
}

/** All instructions of the last stage, expanded one after the other. */
export function expandAll(
  text: string,
  { buildArgs = {}, environment = [] }: { buildArgs?: Record<string, string>; environment?: readonly string[] } = {},
): { readonly expanded: readonly Expanded[]; readonly scope: StageScope } {
  const settings = buildSettings(buildArgs)
  const { dockerfile, globals, budget, target } = planStages(parse(text), settings)
  const { source, directives } = dockerfile
  const scope = new StageScope({
    source,
    escape: directives.escape,
    globals,
    buildArgs: settings.buildArgs,
    environment,
    budget,
  })
  return { expanded: target.stage.instructions.map((instruction) => scope.expand(instruction)), scope }
}

/** Fails as a bad Dockerfile does; for more than the message. */
export function refusal(work: () => unknown): DockerfileInvalid {
  try {
    work()
  } catch (error) {
    assert(error instanceof DockerfileInvalid, `not a DockerfileInvalid: ${String(error)}`)
    return error
  }
  return assert.fail('nothing was refused')
}
