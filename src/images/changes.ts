/** The Dockerfile instructions that `import --change` (and `commit --change`) take. */
import { InvalidArgument } from '../errors.ts'
import type { Healthcheck, ImageProcessConfig } from '../oci/descriptor.ts'

type Apply = (config: ImageProcessConfig, rest: string) => ImageProcessConfig

const INSTRUCTIONS: Readonly<Record<string, Apply>> = {
  CMD: (config, rest) => ({ ...config, Cmd: commandOf(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: commandOf(rest) }),
  ENV: (config, rest) => ({ ...config, Env: mergeEnv(config.Env ?? [], pairsOf('ENV', rest)) }),
  LABEL: (config, rest) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairsOf('LABEL', rest)) } }),
  EXPOSE: (config, rest) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...keysOf(wordsOf(rest).map(portOf)) },
  }),
  VOLUME: (config, rest) => ({ ...config, Volumes: { ...config.Volumes, ...keysOf(listOf(rest) ?? wordsOf(rest)) } }),
  USER: (config, rest) => ({ ...config, User: oneWord('USER', rest) }),
  WORKDIR: (config, rest) => ({
    ...config,
    WorkingDir: rest.startsWith('/') ? rest : `${config.WorkingDir ?? ''}/${rest}`,
  }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: oneWord('STOPSIGNAL', rest) }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), rest] }),
  HEALTHCHECK: (config, rest) => ({ ...config, Healthcheck: healthcheckOf(rest) }),
}

/** @throws {InvalidArgument} an instruction that is unknown, not allowed here, or malformed */
export function applyChanges(config: ImageProcessConfig, changes: readonly string[]): ImageProcessConfig {
  return changes.reduce((current, change) => {
    const [, name = '', rest = ''] = /^\s*([A-Za-z]+)\s+([\s\S]*\S)\s*$/.exec(change) ?? []
    const apply = INSTRUCTIONS[name.toUpperCase()]
    if (apply === undefined) {
      throw new InvalidArgument(`${change.trim().split(/\s/)[0] ?? ''} is not a valid change command`, {
        hint: `known: ${Object.keys(INSTRUCTIONS).join(', ')}`,
      })
    }
    return apply(current, rest)
  }, config)
}

/** `["a", "b"]` as it stands, anything else for the shell. */
function commandOf(rest: string): readonly string[] {
  return listOf(rest) ?? ['/bin/sh', '-c', rest]
}

function listOf(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(rest)
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    return undefined // docker's rule: what is no JSON list is a command line
  }
}

/** Words with quotes and backslashes as in a Dockerfile. */
function wordsOf(rest: string): readonly string[] {
  const words = rest.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? []
  return words.map(unquote)
}

function unquote(word: string): string {
  return word.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|\\./g, (part) => {
    if (part.startsWith("'")) return part.slice(1, -1)
    return part.startsWith('"') ? part.slice(1, -1).replace(/\\(["\\$])/g, '$1') : part.slice(1)
  })
}

/** `a=1 b="2 3"`, or the old `a 1`. */
function pairsOf(name: string, rest: string): readonly (readonly [string, string])[] {
  const words = wordsOf(rest)
  const [first = '', ...others] = words
  if (!first.includes('=') && others.length > 0) return [[first, rest.slice(rest.indexOf(first) + first.length).trim()]]
  return words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new InvalidArgument(`${name} must have the form key=value: ${JSON.stringify(word)}`)
    return [word.slice(0, at), word.slice(at + 1)]
  })
}

function mergeEnv(env: readonly string[], pairs: readonly (readonly [string, string])[]): readonly string[] {
  const names = new Set(pairs.map(([name]) => name))
  const kept = env.filter((entry) => !names.has(entry.split('=')[0] ?? ''))
  return [...kept, ...pairs.map(([name, value]) => `${name}=${value}`)]
}

function portOf(word: string): string {
  const [, port, protocol = 'tcp'] = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? []
  if (port === undefined) throw new InvalidArgument(`invalid containerPort: ${word}`)
  return `${port}/${protocol.toLowerCase()}`
}

function oneWord(name: string, rest: string): string {
  const [word, ...more] = wordsOf(rest)
  if (word === undefined || more.length > 0) throw new InvalidArgument(`${name} requires exactly one argument`)
  return word
}

const keysOf = (names: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(names.map((name) => [name, {}]))

const NANOSECONDS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
const HEALTH_FLAGS: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
}

function healthcheckOf(rest: string): Healthcheck {
  if (rest.trim().toUpperCase() === 'NONE') return { Test: ['NONE'] }
  const times: { -readonly [Key in 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval' | 'Retries']?: number } = {}
  let command = rest
  for (let flag = /^--([a-z-]+)=(\S+)\s+/.exec(command); flag !== null; flag = /^--([a-z-]+)=(\S+)\s+/.exec(command)) {
    const [whole, name = '', value = ''] = flag
    const key = HEALTH_FLAGS[name]
    if (name === 'retries' && /^\d+$/.test(value)) times.Retries = Number(value)
    else if (key !== undefined) times[key] = nanoseconds(value)
    else throw new InvalidArgument(`unknown flag of HEALTHCHECK: --${name}=${value}`)
    command = command.slice(whole.length)
  }
  const [, text] = /^CMD\s+([\s\S]+)$/i.exec(command) ?? []
  if (text === undefined) throw new InvalidArgument('HEALTHCHECK takes NONE, or flags and CMD')
  const list = listOf(text)
  return { Test: list === undefined ? ['CMD-SHELL', text] : ['CMD', ...list], ...times }
}

function nanoseconds(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text))
    throw new InvalidArgument(`invalid duration ${JSON.stringify(text)}`)
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (NANOSECONDS[unit ?? ''] ?? 0), 0)
}
