/** From an instruction that makes a layer to its step. */
import { posix } from 'node:path'
import { formatPlatform } from '../../images/platform.ts'
import { shellOf } from '../configure.ts'
import { PROXY_ARGUMENTS } from '../dockerfile/arguments.ts'
import type { Expanded, ExpandedRun } from '../dockerfile/expand-instruction.ts'
import { runCommand } from '../dockerfile/run-command.ts'
import { CopyFailed, RunUnsupported } from '../errors.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import { addStep } from './add.ts'
import { copyStep } from './copy.ts'
import { excluder } from './exclude.ts'
import { planMounts } from './mounts.ts'
import type { LayerOptions, StepOptions } from './options.ts'
import { runCommandStep } from './run.ts'
import { workdirStep } from './workdir.ts'

export interface LayerInstruction {
  readonly step: Step
  /** How the history tells it. */
  readonly createdBy: string
  /** What else it changes, once it is done. */
  readonly after?: () => void
}

export async function layerInstruction(
  state: StageState,
  instruction: Expanded,
  options: LayerOptions,
): Promise<LayerInstruction> {
  switch (instruction.kind) {
    case 'RUN':
      return runInstruction(state, instruction, options)
    case 'COPY':
      return copyInstruction(state, instruction, options)
    case 'ADD':
      return addInstruction(state, instruction, options)
    case 'WORKDIR':
      return workdirInstruction(state, instruction.path, options)
    default:
      throw new Error(`${instruction.kind} makes no layer`) // `configure` has taken it
  }
}

function workdirInstruction(state: StageState, path: string, options: LayerOptions): LayerInstruction {
  const directory = posix.resolve('/', state.config.WorkingDir ?? '/', path)
  const after = () => {
    state.config.WorkingDir = directory
  }
  return { step: workdirStep(state, path, options), createdBy: `WORKDIR ${directory}`, after }
}

async function copyInstruction(
  state: StageState,
  instruction: Extract<Expanded, { kind: 'COPY' }>,
  options: LayerOptions,
): Promise<LayerInstruction> {
  const { sources, files, destination, chown, chmod, link, parents, exclude, from } = instruction
  const elsewhere = sources.find((source) => /^(?:https?|git|ssh):\/\//i.test(source))
  if (elsewhere !== undefined)
    throw new CopyFailed(`source can't be a URL for COPY: ${elsewhere}`, {
      hint: 'ADD takes files and repositories from elsewhere',
    })
  const hasSources = sources.length > 0
  const tree = hasSources ? await (from === undefined ? options.context() : options.origin(from)) : undefined
  const step = copyStep(
    state,
    {
      description: instruction.code,
      sources,
      files,
      destination,
      chown,
      chmod,
      link,
      parents,
      exclude,
      excluded: excluder(exclude),
      from: tree,
    },
    options,
  )
  return { step, createdBy: copyText('COPY', instruction) }
}

async function addInstruction(
  state: StageState,
  instruction: Extract<Expanded, { kind: 'ADD' }>,
  options: LayerOptions,
): Promise<LayerInstruction> {
  return { step: await addStep(state, instruction, options), createdBy: copyText('ADD', instruction) }
}

/** As BuildKit's history has it. */
function copyText(keyword: string, instruction: Extract<Expanded, { kind: 'COPY' | 'ADD' }>): string {
  const { chown, chmod, link, sources, files, destination } = instruction
  const flags = [
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod}`]),
    ...(link ? ['--link'] : []),
  ]
  const names = files.map(({ name }) => `<<${name}`)
  return [keyword, ...flags, ...sources, ...names, destination, '# buildkit'].join(' ')
}

async function runInstruction(
  state: StageState,
  instruction: ExpandedRun,
  options: LayerOptions,
): Promise<LayerInstruction> {
  if (state.platform.os !== 'linux') throw new RunUnsupported(formatPlatform(state.platform))
  const { scope, config } = state
  const { args: argv, script } = runCommand(instruction, shellOf(config.Shell))
  const mounts = await planMounts(instruction.mounts, { options, workingDirectory: config.WorkingDir ?? '/' })
  const request = {
    description: instruction.code,
    command: argv.join(' '),
    argv,
    env: [...scope.variables].map(([name, value]) => `${name}=${value}`),
    hiddenEnv: proxies(state, options),
    network: instruction.network,
    security: instruction.security,
    script,
    mounts,
  }
  const args = scope.args.map(({ name, value = '' }) => `${name}=${value}`)
  const prefix = args.length === 0 ? [] : [`|${args.length}`, ...args]
  const createdBy = ['RUN', ...prefix, ...argv, '# buildkit'].join(' ')
  return { step: runCommandStep(state, request, { options, vertex: options.vertex }), createdBy }
}

/** Those that the Dockerfile does not declare itself. */
function proxies({ scope }: StageState, { settings }: StepOptions): readonly string[] {
  return PROXY_ARGUMENTS.flatMap((name) => {
    const value = settings.buildArgs.get(name)
    return value === undefined || scope.variables.has(name) ? [] : [`${name}=${value}`]
  })
}
