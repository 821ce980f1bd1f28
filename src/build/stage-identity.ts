/** Which stages of a build for several platforms are one and the same: carried out once, and shown once. */
import { createHash } from 'node:crypto'
import { formatPlatform } from '../images/platform.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Origin } from './dockerfile/origins.ts'
import { needsOfInstruction, type PlannedStage, type StagePlan } from './dockerfile/stages.ts'
import type { Instruction } from './dockerfile/types.ts'

export interface IdentityOptions {
  readonly plan: StagePlan
  readonly target: Platform
  /** Whether the base of a stage brings instructions of its own, which nobody has looked at yet. */
  readonly hasTriggers: (planned: PlannedStage) => Promise<boolean>
  /** Of another stage. */
  readonly stage: (index: number) => Promise<string>
}

/**
 * The same for two target platforms where nothing in the stage, nor in what it needs, depends on the platform: it has one of
 * its own (`FROM --platform=$BUILDPLATFORM`) and takes no variable whose value differs.
 */
export async function stageIdentity(planned: PlannedStage, options: IdentityOptions): Promise<string> {
  const { plan, target, hasTriggers } = options
  const { stage, platform = target, base, replacedBy } = planned
  const instructions = [...planned.triggers, ...stage.instructions]
  const needs = instructions.flatMap((one) => needsOfInstruction(one, stage.index, plan.names))
  const origins = [replacedBy === undefined ? base : { kind: 'context' as const, name: replacedBy }]
  for (const { origin } of needs) origins.push(origin)
  const sources = await Promise.all(origins.map((origin) => describe(origin, options)))
  const own = (await hasTriggers(planned)) ? formatPlatform(target) : ''
  const parts = [stage.index, formatPlatform(platform), own, sources, declared(instructions, plan)]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

async function describe(origin: Origin, { stage }: IdentityOptions): Promise<readonly string[]> {
  switch (origin.kind) {
    case 'stage':
      return [origin.kind, await stage(origin.index)]
    case 'image':
      return [origin.kind, origin.reference]
    case 'context':
      return [origin.kind, origin.name]
    case 'scratch':
      return [origin.kind]
  }
}

/** Variables from before the first FROM that the stage asks for: all that TARGETPLATFORM and its kin come by. */
function declared(instructions: readonly Instruction[], { globals }: StagePlan): readonly (readonly string[])[] {
  return instructions
    .flatMap((one) => (one.kind === 'ARG' ? one.args : []))
    .map(({ name }) => [name, globals.get(name) ?? ''])
}

/** As steps of a build for several platforms are called: `linux/arm64`, or `linux/amd64->arm64` where one builds for another. */
export function progressPlatform(planned: PlannedStage, target: Platform): string {
  const { platform = target, stage } = planned
  const own = formatPlatform(platform)
  const isAsked = stage.instructions.some(
    (one) => one.kind === 'ARG' && one.args.some(({ name }) => /^TARGET(?:PLATFORM|OS|ARCH|VARIANT)$/.test(name)),
  )
  const wanted = formatPlatform(target)
  if (!isAsked || own === wanted) return own
  return `${own}->${platform.os === target.os ? wanted.slice(target.os.length + 1) : wanted}`
}
