/** A Dockerfile from its bytes. Nothing is expanded, looked up or built; `stages.ts` and `scope.ts` go on from here. */
import { readDirectives } from './directives.ts'
import { DockerfileInvalid, within } from './errors.ts'
import { parseInstruction } from './instruction.ts'
import { type DecodedSource, decodeSource } from './source.ts'
import { StatementReader } from './statements.ts'
import type {
  ArgInstruction,
  Directives,
  Dockerfile,
  Escape,
  FromInstruction,
  Instruction,
  Lines,
  Stage,
} from './types.ts'

/**
 * Parses a Dockerfile.
 *
 * @param name - as the user knows the file, for errors
 * @throws {DockerfileInvalid} with line, excerpt and caret
 */
export function parseDockerfile(bytes: Uint8Array, name = 'Dockerfile'): Dockerfile {
  const source = decodeSource(bytes, name)
  const { directives, count } = readDirectives(source)
  const emptyContinuations: Lines[] = []
  const found: (FromInstruction | Instruction)[] = []
  for (const { instruction, hasEmptyContinuation } of instructionsOf(source, { token: directives.escape, count })) {
    found.push(instruction)
    if (hasEmptyContinuation) emptyContinuations.push(instruction.lines)
  }
  if (found.length === 0) throw new DockerfileInvalid('file with no instructions', {}, wholeOf(source))
  return { ...staged(source, directives, found), emptyContinuations }
}

/**
 * Parses one trigger of a base image's `OnBuild`.
 *
 * @param image - the base image, for errors
 * @throws {DockerfileInvalid} it is not one instruction, or one that no trigger can be
 */
export function parseTrigger(trigger: string, image: string): Instruction {
  const source = decodeSource(new TextEncoder().encode(trigger), `ONBUILD of ${image}`)
  const all = [...instructionsOf(source, { token: '\\', count: 0 })]
  const instruction = all[0]?.instruction
  if (instruction === undefined || all.length > 1)
    throw new DockerfileInvalid('onbuild trigger should be a single expression', {}, wholeOf(source))
  if (instruction.kind === 'FROM' || instruction.kind === 'ONBUILD' || instruction.kind === 'MAINTAINER')
    throw new DockerfileInvalid(`${instruction.kind} isn't allowed as an ONBUILD trigger`, {}, wholeOf(source))
  return instruction
}

interface Found {
  readonly instruction: FromInstruction | Instruction
  readonly hasEmptyContinuation: boolean
}

function* instructionsOf(
  source: DecodedSource,
  { token, count }: { readonly token: Escape; readonly count: number },
): Generator<Found> {
  const reader = new StatementReader(source, token, count)
  for (let statement = reader.read(); statement !== undefined; statement = reader.read()) {
    const { lines, hasEmptyContinuation } = statement
    const read = statement
    yield {
      instruction: within({ source, lines }, () => parseInstruction(read, { reader, token })),
      hasEmptyContinuation,
    }
  }
}

function wholeOf(source: DecodedSource): { readonly source: DecodedSource; readonly lines: Lines } {
  return { source, lines: { start: 1, end: Math.max(1, source.lines.length) } }
}

/** Each has a configuration of its own. */
const MAX_STAGES = 1000

type Staged = Omit<Dockerfile, 'emptyContinuations'>

/** Only ARG may stand before the first FROM. */
function staged(
  source: DecodedSource,
  directives: Directives,
  found: readonly (FromInstruction | Instruction)[],
): Staged {
  const globals: ArgInstruction[] = []
  const stages: (Stage & { readonly instructions: Instruction[] })[] = []
  for (const instruction of found) {
    if (instruction.kind === 'FROM') {
      if (stages.length === MAX_STAGES)
        throw new DockerfileInvalid(`more than ${MAX_STAGES} stages`, {}, { source, lines: instruction.lines })
      stages.push(newStage(instruction, stages.length))
    } else if (stages.length > 0) stages.at(-1)?.instructions.push(instruction)
    else if (instruction.kind === 'ARG') globals.push(instruction)
    else
      throw new DockerfileInvalid(
        'no build stage in current context',
        { hint: NO_FROM },
        { source, lines: instruction.lines },
      )
  }
  if (stages.length === 0)
    throw new DockerfileInvalid('dockerfile contains no stages to build', { hint: NO_FROM }, wholeOf(source))
  return { source, directives, globals, stages }
}

const NO_FROM = 'begin with FROM, for example FROM scratch'

function newStage(from: FromInstruction, index: number): Stage & { readonly instructions: Instruction[] } {
  const name = from.as?.name.toLowerCase()
  return { index, ...(name !== undefined && { name }), from, instructions: [] }
}
