/** What a plugin says about a container it wants to run, made sure of. */
import { isDigest } from '../oci/digest.ts'
import { parseReference } from '../oci/reference.ts'
import { PluginMisbehaved } from './errors.ts'

/** Names and texts alone: nothing in here can become a mount, a device or a privilege. */
export interface RunParameters {
  readonly image: string
  readonly args: readonly string[]
  readonly entrypoint: string | undefined
  /** `NAME=VALUE`; never a name alone, which would stand for a variable of ours. */
  readonly env: readonly string[]
  readonly user: string | undefined
  readonly workdir: string | undefined
  readonly input: Buffer | undefined
}

const MAX_WORDS = 1000
const MAX_INPUT_BYTES = 512 << 10
const NAME = /^[A-Za-z_]\w*$/

/** @throws {PluginMisbehaved} @throws {InvalidArgument} the image is no reference */
export function readRunParameters(parameter: unknown): RunParameters {
  if (typeof parameter !== 'object' || parameter === null) throw new PluginMisbehaved('run needs an object')
  const fields = parameter as Readonly<Record<string, unknown>>
  return {
    image: readImage(fields['image']),
    args: readList(fields['args'] ?? []).map((each) => readText(each, 'args') ?? ''),
    entrypoint: readText(fields['entrypoint'], 'entrypoint'),
    env: readEnvironment(fields['env'] ?? {}),
    user: readText(fields['user'], 'user'),
    workdir: readText(fields['workdir'], 'workdir'),
    input: readInput(fields['input']),
  }
}

/** A path would run a module of the host, which is to read it. */
function readImage(value: unknown): string {
  const name = readText(value, 'image') ?? ''
  if (!isDigest(name) && !/^[0-9a-f]{12,64}$/.test(name)) parseReference(name)
  return name
}

function readText(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' || value.includes('\0')) throw new PluginMisbehaved(`${what} of run must be text`)
  return value
}

function readList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length > MAX_WORDS) throw new PluginMisbehaved('args of run must be a list')
  return value
}

function readEnvironment(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) throw new PluginMisbehaved('env of run must be an object')
  return Object.entries(value).map(([name, text]) => {
    if (!NAME.test(name)) throw new PluginMisbehaved('env of run has a name that is none')
    return `${name}=${readText(text, 'env') ?? ''}`
  })
}

function readInput(value: unknown): Buffer | undefined {
  const text = readText(value, 'input')
  const bytes = text === undefined ? undefined : Buffer.from(text, 'base64')
  if (bytes !== undefined && bytes.length > MAX_INPUT_BYTES)
    throw new PluginMisbehaved(`input of run has more than ${MAX_INPUT_BYTES} bytes`)
  return bytes
}
