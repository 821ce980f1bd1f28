/** What one instruction shows, its variables put in. */
import { posix } from 'node:path'
import type { Expanded } from '../dockerfile/expand-instruction.ts'
import { parsePorts } from '../dockerfile/ports.ts'
import type { Instruction } from '../dockerfile/types.ts'
import { cleanPath } from '../ignore/ignore-file.ts'
import type { IgnoreMatcher } from '../ignore/matcher.ts'
import type { Report } from './report.ts'

/** What the instructions of the stage so far have set. */
export interface Progress {
  hasWorkdir: boolean
  hasShell: boolean
  /** Of CMD, ENTRYPOINT and HEALTHCHECK only the last one counts. */
  readonly last: Map<string, Instruction>
}

interface Context {
  readonly progress: Progress
  readonly ignored: IgnoreMatcher | undefined
  readonly report: Report
}

type Of<Kind extends Expanded['kind']> = Extract<Expanded, { readonly kind: Kind }>

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i
const NO_SECRET = /(?:_|^)(?:public|file|version)(?:_|$)/i

export function checkInstruction(instruction: Expanded, context: Context): void {
  switch (instruction.kind) {
    case 'ADD':
    case 'COPY':
      checkSources(instruction, context)
      break
    case 'ARG':
      checkSecrets(
        instruction,
        instruction.args.map(({ name }) => name),
        context,
      )
      break
    case 'CMD':
    case 'ENTRYPOINT':
      checkOnce(instruction, context)
      checkShellForm(instruction, context)
      break
    case 'HEALTHCHECK':
      checkOnce(instruction, context)
      break
    case 'ENV':
    case 'LABEL':
      checkPairs(instruction, context)
      break
    case 'EXPOSE':
      checkPorts(instruction, context)
      break
    case 'SHELL':
      context.progress.hasShell = true
      break
    case 'WORKDIR':
      checkWorkdir(instruction, context)
      break
    default:
  }
}

function checkSecrets(instruction: Of<'ARG' | 'ENV'>, names: readonly string[], { report }: Context): void {
  for (const name of names)
    if (SECRET.test(name) && !NO_SECRET.test(name))
      report(
        'SecretsUsedInArgOrEnv',
        { ...instruction, near: name },
        `Do not use ARG or ENV instructions for sensitive data (${instruction.kind} ${JSON.stringify(name)})`,
      )
}

function checkPairs(instruction: Of<'ENV' | 'LABEL'>, context: Context): void {
  const { kind, pairs } = instruction
  if (pairs.some(({ legacy }) => legacy))
    context.report(
      'LegacyKeyValueFormat',
      instruction,
      `"${kind} key=value" should be used instead of legacy "${kind} key value" format`,
    )
  if (kind === 'ENV')
    checkSecrets(
      instruction,
      pairs.map(({ key }) => key),
      context,
    )
}

function checkOnce(instruction: Of<'CMD' | 'ENTRYPOINT' | 'HEALTHCHECK'>, { progress, report }: Context): void {
  const { kind, comments } = instruction
  const before = progress.last.get(kind)
  // It is the one before that has no effect.
  if (before !== undefined)
    report(
      'MultipleInstructionsDisallowed',
      { lines: before.lines, comments },
      `Multiple ${kind} instructions should not be used in the same stage because only the last one will be used`,
    )
  progress.last.set(kind, instruction)
}

function checkShellForm(instruction: Of<'CMD' | 'ENTRYPOINT'>, { progress, report }: Context): void {
  if (instruction.command.form === 'exec' || progress.hasShell) return
  report(
    'JSONArgsRecommended',
    instruction,
    `JSON arguments recommended for ${instruction.kind} to prevent unintended behavior related to OS signals`,
  )
}

function checkPorts(instruction: Of<'EXPOSE'>, { report }: Context): void {
  for (const word of instruction.words) {
    const { protocol, isMapping } = parsePorts(word)
    if (protocol !== protocol.toLowerCase())
      report(
        'ExposeProtoCasing',
        { ...instruction, near: word },
        `Defined protocol '${word}' in EXPOSE instruction should be lowercase`,
      )
    if (isMapping)
      report(
        'ExposeInvalidFormat',
        { ...instruction, near: word },
        `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`,
      )
  }
}

/** Only the first one of a Dockerfile: it decides where all others are. */
function checkWorkdir(instruction: Of<'WORKDIR'>, { progress, report }: Context): void {
  const { path } = instruction
  if (!progress.hasWorkdir && !posix.isAbsolute(path))
    report(
      'WorkdirRelativePath',
      { ...instruction, near: path },
      `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`,
    )
  progress.hasWorkdir = true
}

const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/
const EVERYTHING: readonly string[] = ['*', '**', '**/*']

/** With patterns that take files back nobody can tell before the files are known. */
function checkSources(instruction: Of<'ADD' | 'COPY'>, { ignored, report }: Context): void {
  if (ignored === undefined || ignored.hasExceptions) return
  if (instruction.kind === 'COPY' && instruction.from !== undefined) return
  for (const source of instruction.sources) {
    if (instruction.kind === 'ADD' && REMOTE.test(source)) continue
    const path = cleanPath(source)
    const isRoot = path === '.' || path === '/'
    const isIgnored = isRoot ? ignored.patterns.some(({ text }) => EVERYTHING.includes(text)) : ignored.ignores(path)
    const verb = instruction.kind === 'ADD' ? 'Add' : 'Copy'
    if (isIgnored)
      report(
        'CopyIgnoredFile',
        { ...instruction, near: source },
        `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`,
      )
  }
}
