/** What metadata instructions make of an image config: as little as is needed to compare with docker. */

import { posix } from 'node:path'
import type { Expanded } from '../../src/build/dockerfile/expand-instruction.ts'
import { commandArgs } from '../../src/build/dockerfile/run-command.ts'
import type { Healthcheck } from '../../src/build/dockerfile/types.ts'

export interface ImageConfig {
  Env: string[]
  Cmd: readonly string[] | null
  Entrypoint: readonly string[] | null
  ExposedPorts: string[]
  Labels: Record<string, string>
  User: string
  Volumes: string[]
  WorkingDir: string
  StopSignal?: string
  Shell?: readonly string[]
  Healthcheck?: Record<string, unknown>
  OnBuild: string[]
}

export function emptyConfig(): ImageConfig {
  return {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    Cmd: null,
    Entrypoint: null,
    ExposedPorts: [],
    Labels: {},
    User: '',
    Volumes: [],
    WorkingDir: '/',
    OnBuild: [],
  }
}

export function applyInstruction(config: ImageConfig, instruction: Expanded): void {
  const shell = config.Shell ?? ['/bin/sh', '-c']
  switch (instruction.kind) {
    case 'ENV':
      for (const { key, value } of instruction.pairs) setEnv(config.Env, key, value)
      break
    case 'LABEL':
      for (const { key, value } of instruction.pairs) config.Labels[key] = value
      break
    case 'CMD':
      config.Cmd = commandArgs(instruction.command, shell)
      break
    case 'ENTRYPOINT':
      config.Entrypoint = commandArgs(instruction.command, shell)
      break
    case 'EXPOSE':
      config.ExposedPorts = [...new Set([...config.ExposedPorts, ...instruction.ports])].sort()
      break
    case 'USER':
      config.User = instruction.user
      break
    case 'VOLUME':
      config.Volumes = [...new Set([...config.Volumes, ...instruction.paths])].sort()
      break
    case 'WORKDIR':
      config.WorkingDir = posix.resolve('/', config.WorkingDir, instruction.path)
      break
    case 'STOPSIGNAL':
      config.StopSignal = instruction.signal
      break
    case 'SHELL':
      config.Shell = instruction.args
      break
    case 'HEALTHCHECK':
      config.Healthcheck = instruction.check === 'none' ? { Test: ['NONE'] } : healthConfig(instruction.check)
      break
    case 'ONBUILD':
      config.OnBuild.push(instruction.trigger)
      break
    default:
  }
}

function setEnv(env: string[], key: string, value: string): void {
  const index = env.findIndex((entry) => entry.startsWith(`${key}=`))
  if (index === -1) env.push(`${key}=${value}`)
  else env[index] = `${key}=${value}`
}

/** Docker leaves out what is 0. */
function healthConfig({ command, interval, timeout, startPeriod, retries }: Healthcheck): Record<string, unknown> {
  const test = command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.text]
  const times = { Interval: interval, Timeout: timeout, StartPeriod: startPeriod, Retries: retries }
  return { Test: test, ...Object.fromEntries(Object.entries(times).filter(([, value]) => value !== 0)) }
}

/** The same parts of what docker shows. */
export function configOfDocker(config: Readonly<Record<string, unknown>>): ImageConfig {
  const keys = (value: unknown) => Object.keys((value ?? {}) as object).sort()
  const given = config as Partial<ImageConfig>
  return {
    Env: given.Env ?? [],
    Cmd: given.Cmd ?? null,
    Entrypoint: given.Entrypoint ?? null,
    ExposedPorts: keys(config['ExposedPorts']),
    Labels: given.Labels ?? {},
    User: given.User ?? '',
    Volumes: keys(config['Volumes']),
    WorkingDir: given.WorkingDir ?? '',
    ...(given.StopSignal !== undefined && { StopSignal: given.StopSignal }),
    ...(given.Shell !== undefined && { Shell: given.Shell }),
    ...(given.Healthcheck !== undefined && { Healthcheck: given.Healthcheck }),
    OnBuild: given.OnBuild ?? [],
  }
}
