/** What the text alone shows. */
import type { Dockerfile, FromInstruction, Instruction } from '../dockerfile/types.ts'
import type { Report } from './report.ts'

const RESERVED: readonly string[] = ['context', 'scratch']

export function checkFile(dockerfile: Dockerfile, report: Report): void {
  for (const { end } of dockerfile.emptyContinuations)
    report('NoEmptyContinuation', { lines: { start: end, end } }, 'Empty continuation line')
  const instructions = dockerfile.stages.flatMap((stage) => [stage.from, ...stage.instructions])
  for (const instruction of [...dockerfile.globals, ...instructions]) checkText(instruction, report)
  checkNames(dockerfile, report)
  checkCasing(instructions, report)
}

function checkText(instruction: FromInstruction | Instruction, report: Report): void {
  if (instruction.kind === 'MAINTAINER')
    report('MaintainerDeprecated', instruction, 'Maintainer instruction is deprecated in favor of using label')
  if (instruction.kind === 'ARG')
    checkDescription(
      instruction,
      instruction.args.map(({ name }) => name),
      report,
    )
  if (instruction.kind !== 'FROM' || instruction.as === undefined) return
  const { keyword, as } = instruction
  if (as.name !== as.name.toLowerCase())
    report('StageNameCasing', { ...instruction, near: as.name }, `Stage name '${as.name}' should be lowercase`)
  const wanted = isLower(keyword) ? isLower : isUpper(keyword) ? isUpper : undefined
  if (wanted?.(as.keyword) === false)
    report(
      'FromAsCasing',
      { ...instruction, near: `${as.keyword} ${as.name}` },
      `'${as.keyword}' and '${keyword}' keywords' casing do not match`,
    )
  checkDescription(instruction, [as.name.toLowerCase()], report)
}

/** The last line of the comment above shall begin with the name. */
function checkDescription(instruction: FromInstruction | Instruction, names: readonly string[], report: Report): void {
  const comment = instruction.comments.at(-1)
  if (comment === undefined || names.includes(comment.split(' ', 1)[0] ?? '')) return
  const name = names.length > 1 ? '<arg_key>' : names[0]
  const message = `Comment for ${instruction.kind} should follow the format: \`# ${name} <description>\``
  report('InvalidDefinitionDescription', instruction, message)
}

function checkNames({ stages }: Dockerfile, report: Report): void {
  const seen = new Set<string>()
  for (const { name, from } of stages) {
    if (name === undefined) continue
    if (RESERVED.includes(name))
      report(
        'ReservedStageName',
        from,
        `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`,
      )
    if (seen.has(name))
      report('DuplicateStageName', from, `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`)
    seen.add(name)
  }
}

/** The majority decides; upper case when there is none. */
function checkCasing(instructions: readonly (FromInstruction | Instruction)[], report: Report): void {
  const lower = instructions.filter(({ keyword }) => isLower(keyword)).length
  const upper = instructions.filter(({ keyword }) => isUpper(keyword)).length
  const [isRight, name] = lower > upper ? ([isLower, 'lowercase'] as const) : ([isUpper, 'uppercase'] as const)
  for (const instruction of instructions)
    if (!isRight(instruction.keyword))
      report(
        'ConsistentInstructionCasing',
        instruction,
        `Command '${instruction.keyword}' should match the case of the command majority (${name})`,
      )
}

function isLower(text: string): boolean {
  return text === text.toLowerCase()
}

function isUpper(text: string): boolean {
  return text === text.toUpperCase()
}
