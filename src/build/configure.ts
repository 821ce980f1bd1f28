/** Instructions that change the config alone. */
import type { Healthcheck as StoredHealthcheck } from '../oci/descriptor.ts'
import { DEFAULT_SHELL } from './defaults.ts'
import type { Expanded } from './dockerfile/expand-instruction.ts'
import { commandArgs } from './dockerfile/run-command.ts'
import type { Healthcheck } from './dockerfile/types.ts'
import { addHistory, type StageState, setVariable } from './state.ts'

/** @returns false: it is one that makes a layer */
export function configure(state: StageState, instruction: Expanded): boolean {
  const createdBy = applyTo(state, instruction)
  if (createdBy === undefined) return false
  if (createdBy !== '') addHistory(state, { createdBy, hasLayer: false })
  return true
}

/** @returns how the history tells it; empty: not at all */
function applyTo(state: StageState, instruction: Expanded): string | undefined {
  const { config } = state
  switch (instruction.kind) {
    case 'ENV':
      config.Env = instruction.pairs.reduce((env, { key, value }) => setVariable(env, key, value), config.Env ?? [])
      return `ENV ${pairs(instruction.pairs)}`
    case 'LABEL':
      config.Labels = withEntries(
        state,
        config.Labels,
        instruction.pairs.map(({ key, value }) => [key, value]),
      )
      return `LABEL ${pairs(instruction.pairs)}`
    case 'ARG':
      return `ARG ${instruction.args.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(' ')}`
    case 'CMD':
      state.hasCommand = true
      config.Cmd = commandArgs(instruction.command, shellOf(config.Shell))
      return `CMD ${quotedList(config.Cmd)}`
    case 'ENTRYPOINT':
      config.Entrypoint = commandArgs(instruction.command, shellOf(config.Shell))
      if (!state.hasCommand) delete config.Cmd
      return `ENTRYPOINT ${quotedList(config.Entrypoint)}`
    case 'SHELL':
      config.Shell = instruction.args
      return `SHELL [${instruction.args.join(' ')}]`
    case 'EXPOSE':
      config.ExposedPorts = withEntries(state, config.ExposedPorts, keys(instruction.ports))
      return `EXPOSE map[${instruction.ports
        .toSorted()
        .map((port) => `${port}:{}`)
        .join(' ')}]`
    case 'VOLUME':
      config.Volumes = withEntries(state, config.Volumes, keys(instruction.paths))
      return `VOLUME [${instruction.paths.join(' ')}]`
    case 'USER':
      config.User = instruction.user
      return `USER ${instruction.user}`
    case 'STOPSIGNAL':
      config.StopSignal = instruction.signal
      return `STOPSIGNAL ${instruction.signal}`
    case 'MAINTAINER':
      state.author = instruction.maintainer
      return `MAINTAINER ${instruction.maintainer}`
    case 'ONBUILD':
      config.OnBuild = [...(config.OnBuild ?? []), instruction.trigger]
      return ''
    case 'HEALTHCHECK':
      config.Healthcheck = healthcheckOf(instruction.check)
      return `HEALTHCHECK ${quotedHealthcheck(config.Healthcheck)}`
    default:
      return undefined
  }
}

const pairs = (list: readonly { readonly key: string; readonly value: string }[]): string =>
  list.map(({ key, value }) => `${key}=${value}`).join(' ')

const keys = (names: readonly string[]): readonly (readonly [string, object])[] => names.map((name) => [name, {}])

/** A record of the stage itself is added to: a copy for each of thousands would take long. No name is the prototype's. */
function withEntries<Value>(
  { own }: StageState,
  record: Readonly<Record<string, Value>> | null | undefined,
  entries: readonly (readonly [string, Value])[],
): Readonly<Record<string, Value>> {
  const made: Record<string, Value> = record && own.has(record) ? record : { ...record }
  own.add(made)
  for (const [key, value] of entries)
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true })
  return made
}

const quotedList = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(' ')}]`

/** As Go prints its structure. */
function quotedHealthcheck({
  Test,
  Interval,
  Timeout,
  StartPeriod,
  StartInterval,
  Retries = 0,
}: StoredHealthcheck): string {
  const times = [Interval, Timeout, StartPeriod, StartInterval].map((time) => `"${goDuration(time ?? 0)}"`)
  const retries = Retries < 32 ? `\\x${Retries.toString(16).padStart(2, '0')}` : String.fromCodePoint(Retries)
  return `&{${quotedList(Test ?? [])} ${times.join(' ')} '${retries}'}`
}

/** `1m30s`, as Go writes a duration. @param time - nanoseconds */
function goDuration(time: number): string {
  if (time === 0) return '0s'
  if (time < 1e9) return time < 1e6 ? `${time / 1e3}µs` : `${time / 1e6}ms`
  const minutes = Math.floor(time / 60e9)
  const seconds = `${(time % 60e9) / 1e9}s`
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}

/** That of the stage, which SHELL or its base has set. */
export function shellOf(shell: readonly string[] | null | undefined): readonly string[] {
  return shell && shell.length > 0 ? shell : DEFAULT_SHELL
}

function healthcheckOf(check: 'none' | Healthcheck): StoredHealthcheck {
  if (check === 'none') return { Test: ['NONE'] }
  const { command, interval, timeout, startPeriod, startInterval, retries } = check
  const times = {
    ...(interval > 0 && { Interval: interval }),
    ...(timeout > 0 && { Timeout: timeout }),
    ...(startPeriod > 0 && { StartPeriod: startPeriod }),
    ...(startInterval > 0 && { StartInterval: startInterval }),
    ...(retries > 0 && { Retries: retries }),
  }
  const test = command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.text]
  return { Test: test, ...times }
}
