/** RUN: a command on the layers, with no more rights than `run` gives. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runStep, type StepResult } from '../../containers/step.ts'
import type { StackedLayer } from '../../images/building.ts'
import type { MountSpec } from '../../oci/runtime-spec.ts'
import { stepKey } from '../cache/key.ts'
import { DEFAULT_PATH, HOSTNAME } from '../defaults.ts'
import { CommandFailed, NotGranted } from '../errors.ts'
import { makeLayer } from '../layer.ts'
import type { Vertex } from '../progress.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import type { Step } from '../solve-step.ts'
import type { StageState } from '../state.ts'
import type { MountPlan } from './mounts.ts'
import type { StepOptions } from './options.ts'
import { missingPaths, removeStubs } from './stubs.ts'

export interface RunRequest {
  readonly description: string
  /** The words that failed, for the message. */
  readonly command: string
  readonly argv: readonly string[]
  /** ENVs and ARGs. */
  readonly env: readonly string[]
  /** Given to the command and to nobody's cache: proxies. */
  readonly hiddenEnv: readonly string[]
  readonly network: 'default' | 'none' | 'host'
  readonly security: 'sandbox' | 'insecure'
  /** A program to mount where the words say. */
  readonly script: { readonly path: string; readonly content: string } | undefined
  readonly mounts: MountPlan
}

export function runCommandStep(
  state: StageState,
  request: RunRequest,
  { options, vertex }: { readonly options: StepOptions; readonly vertex: Vertex },
): Step {
  const { layers, config, platform } = state
  const { settings } = options
  const { User = '', WorkingDir = '/' } = config
  const network = networkOf(request, options)
  refuseInsecure(request, options)
  const shape = [
    request.argv,
    request.script ?? null,
    request.env,
    User,
    WorkingDir,
    network ?? 'default',
    request.security,
    platform,
  ]
  const key = stepKey('run', [
    layers.at(-1)?.chainID ?? '',
    ...shape,
    settings.flags,
    request.mounts.shape,
    settings.epoch ?? null,
  ])
  return {
    key,
    kind: 'run',
    description: request.description,
    below: layers,
    run: (doubt) => carryOut(state, { request, network, vertex, doubt }, options),
  }
}

function networkOf({ network }: RunRequest, { settings }: StepOptions): 'host' | 'none' | undefined {
  if (network === 'none') return 'none'
  if (network === 'default') return settings.network
  if (settings.network === 'host' || settings.allow.has('network.host')) return 'host'
  throw new NotGranted('granting entitlement network.host is not allowed by build settings', {
    hint: 'allow it with --allow network.host',
  })
}

function refuseInsecure({ security }: RunRequest, { settings }: StepOptions): void {
  if (security === 'sandbox' || settings.allow.has('security.insecure')) return
  throw new NotGranted('granting entitlement security.insecure is not allowed by build settings', {
    hint: 'allow it with --allow security.insecure',
  })
}

interface Running {
  readonly request: RunRequest
  readonly network: 'host' | 'none' | undefined
  readonly vertex: Vertex
  /** Of `Step.run`. */
  readonly doubt: () => void
}

async function carryOut(
  { layers: below, config, platform }: StageState,
  { request, network, vertex, doubt }: Running,
  { room, store, settings, signal }: StepOptions,
): Promise<StackedLayer | undefined> {
  await using scratch = makeScratch(room.paths)
  const unpacked = await store.directories(below)
  const lower = unpacked.length > 0 ? unpacked : [emptyDirectory(scratch.path)]
  await using mounted = await request.mounts.open(doubt)
  const mounts = [...mounted.mounts, ...scriptMount(request, scratch.path)]
  const stubs = missingPaths(
    lower,
    mounts.map(({ destination }) => destination),
  )
  const env = [...request.env, ...request.hiddenEnv, ...mounted.env]
  const step = {
    lower,
    platform,
    argv: request.argv,
    env: env.some((entry) => entry.startsWith('PATH=')) ? env : [`PATH=${DEFAULT_PATH}`, ...env],
    user: config.User ?? '',
    directory: config.WorkingDir ?? '/',
    hostname: HOSTNAME,
    network,
    privileged: request.security === 'insecure',
    flags: settings.flags,
    mounts,
    onOutput: vertex.output,
    signal,
  }
  return await runStep(room, step, async (result, { upper }) => {
    refuseFailure(result, request.command)
    removeStubs(upper, stubs)
    return await makeLayer(store, { upper, below, lower, epoch: settings.epoch, signal })
  })
}

function refuseFailure({ status, oomKilled }: StepResult, command: string): void {
  if (status === 0) return
  const hint = oomKilled ? 'it was killed for lack of memory' : undefined
  throw new CommandFailed(command, status, { hint })
}

function scriptMount({ script }: RunRequest, scratch: string): readonly MountSpec[] {
  if (script === undefined) return []
  const source = join(scratch, 'script')
  writeFileSync(source, script.content)
  chmodSync(source, 0o755)
  return [{ destination: script.path, type: 'bind', source, options: ['bind', 'rprivate', 'ro'] }]
}

function emptyDirectory(scratch: string): string {
  const path = join(scratch, 'empty')
  freshDirectory(path, 0o755)
  return path
}
