/** The flags of a build, understood. */
import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import { formatPlatform, hostPlatform, parsePlatform } from '../images/platform.ts'
import type { ImageName } from '../images/records.ts'
import type { Platform } from '../oci/descriptor.ts'
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import { splitCsv } from '../util/csv.ts'
import { readRegularFile } from '../util/read-regular-file.ts'
import type { Grants, SecretSource, Settings } from './settings.ts'
import type { BuildRequest } from './types.ts'

/** There are fewer. */
const MAX_PLATFORMS = 50
const MAX_SECRET_BYTES = 500 * 1024
const ENTITLEMENTS = ['network.host', 'security.insecure']

/** @throws {InvalidArgument} a flag that means nothing */
export function parseSettings(request: BuildRequest): Settings {
  const buildArgs = parseBuildArgs(request)
  return {
    buildArgs,
    noCacheStages: new Set(request.noCacheFilter.flatMap((text) => text.split(',')).map((name) => name.toLowerCase())),
    ...parseGrants(request),
    allow: new Set(request.allow.map(parseEntitlement)),
    network: parseNetwork(request.network),
    flags: stepFlags(request),
    epoch: parseEpoch(buildArgs.get('SOURCE_DATE_EPOCH')),
  }
}

/** What commands get that `run` understands, as it was typed. */
function stepFlags(request: BuildRequest): Settings['flags'] {
  return {
    ...(request.addHosts.length > 0 && { 'add-host': request.addHosts }),
    ...(request.shmSize !== undefined && { 'shm-size': request.shmSize }),
    ...(request.ulimits.length > 0 && { ulimit: request.ulimits }),
    ...(request.cgroupParent !== undefined && { 'cgroup-parent': request.cgroupParent }),
  }
}

/**
 * Says what is wrong before anything is built, and also where no command would be run.
 *
 * @throws {InvalidArgument} one of the flags that commands get means nothing
 */
export async function checkStepFlags(request: BuildRequest): Promise<void> {
  const flags = stepFlags(request)
  if (Object.keys(flags).length === 0) return // most builds need none of what `run` reads its flags with
  const { parseRunRequest } = await import('../containers/parse/run-request.ts')
  parseRunRequest({ image: '', command: [], flags })
}

/** @throws {InvalidArgument} a secret or an agent that is not there */
function parseGrants({ secrets, ssh, env }: BuildRequest): Grants {
  return {
    secrets: new Map(secrets.map((text) => parseSecret(text, env))),
    ssh: new Map(ssh.map((text) => parseSsh(text, env))),
  }
}

/** `NAME` alone takes this process's own value, and nothing where it has none. */
export function parseBuildArgs({ buildArgs, env }: BuildRequest): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  const epoch = env['SOURCE_DATE_EPOCH']
  if (epoch !== undefined && epoch !== '') given.set('SOURCE_DATE_EPOCH', epoch)
  for (const text of buildArgs) {
    const equals = text.indexOf('=')
    const name = equals === -1 ? text : text.slice(0, equals)
    if (name === '') throw new InvalidArgument(`invalid build argument ${JSON.stringify(text)}`)
    const value = equals === -1 ? env[name] : text.slice(equals + 1)
    if (value !== undefined) given.set(name, value)
  }
  return given
}

function fieldsOf(text: string, flag: string): ReadonlyMap<string, string> {
  const fields = splitCsv(text)
  if (fields === undefined) throw new InvalidArgument(`invalid value ${JSON.stringify(text)} for --${flag}`)
  return new Map(
    fields.map((field) => {
      const equals = field.indexOf('=')
      return equals === -1 ? [field, ''] : [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]
    }),
  )
}

function parseSecret(text: string, env: NodeJS.ProcessEnv): readonly [string, SecretSource] {
  const fields = fieldsOf(text, 'secret')
  const type = fields.get('type') ?? (fields.has('env') ? 'env' : 'file')
  const path = fields.get('src') ?? fields.get('source')
  const id = fields.get('id') ?? (path === undefined ? undefined : basename(path))
  const unknown = [...fields.keys()].find((key) => !['id', 'type', 'src', 'source', 'env'].includes(key))
  if (unknown !== undefined) throw new InvalidArgument(`unexpected key '${unknown}' in '${text}'`)
  if (id === undefined || id === '') throw new InvalidArgument(`secret ${JSON.stringify(text)} has no id`)
  if (type === 'env' || (path === undefined && env[id] !== undefined)) {
    const name = fields.get('env') ?? path ?? id
    return [id, { value: Buffer.from(env[name] ?? missing(`environment variable ${name}`, id)) }]
  }
  return [id, { value: readSecretFile(path ?? id, id) }]
}

function missing(what: string, id: string): never {
  throw new InvalidArgument(`${what} of secret ${id} is not there`)
}

function readSecretFile(path: string, id: string): Buffer {
  if (!existsSync(path)) return missing(`file ${path}`, id)
  const bytes = readRegularFile(path, MAX_SECRET_BYTES)
  if (bytes === 'no file') throw new InvalidArgument(`${path} of secret ${id} is no file`)
  if (bytes === 'too large')
    throw new InvalidArgument(`${path} of secret ${id} is larger than ${MAX_SECRET_BYTES >> 10} KiB`)
  return bytes
}

/** `default` is the agent of the environment. */
function parseSsh(text: string, env: NodeJS.ProcessEnv): readonly [string, string] {
  const equals = text.indexOf('=')
  const id = equals === -1 ? text : text.slice(0, equals)
  const socket = equals === -1 ? env['SSH_AUTH_SOCK'] : text.slice(equals + 1).replace(/^~(?=\/)/, homedir())
  if (socket === undefined || socket === '')
    throw new InvalidArgument(`invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`)
  const stats = statSync(socket, { throwIfNoEntry: false })
  if (stats?.isSocket() === true) return [id || 'default', socket]
  throw new InvalidArgument(`${socket} is no socket of an ssh agent`, {
    hint: 'load the key into an agent: ssh-add KEY',
  })
}

function parseEntitlement(text: string): string {
  if (ENTITLEMENTS.includes(text)) return text
  throw new InvalidArgument(`unknown entitlement ${text}`, { hint: `known: ${ENTITLEMENTS.join(', ')}` })
}

function parseNetwork(text: string | undefined): 'host' | 'none' | undefined {
  if (text === undefined || text === '' || text === 'default') return undefined
  if (text === 'host' || text === 'none') return text
  throw new InvalidArgument(`network mode ${JSON.stringify(text)} is not supported by builds`, {
    hint: 'use default, none or host',
  })
}

/** The time of the context, which is not known yet. */
export const OF_CONTEXT = 'context'

/** @throws {InvalidArgument} */
export function parseEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === OF_CONTEXT) return undefined
  if (!/^\d{1,11}$/.test(text))
    throw new InvalidArgument(`invalid SOURCE_DATE_EPOCH ${JSON.stringify(text)}`, {
      hint: `seconds since 1970, or ${OF_CONTEXT}: the time of the commit or the archive`,
    })
  return Number(text)
}

/** Each once; where none is named docker's default, or the host's. @throws {InvalidArgument} */
export function parsePlatforms(texts: readonly string[], env: NodeJS.ProcessEnv = {}): readonly Platform[] {
  const named = texts.length > 0 ? texts : [env['DOCKER_DEFAULT_PLATFORM'] ?? '']
  const all = named.flatMap((text) => text.split(',')).filter((text) => text.trim() !== '')
  const platforms = all.map((text) => parsePlatform(text.trim()))
  if (platforms.length > MAX_PLATFORMS)
    throw new InvalidArgument(`more than ${MAX_PLATFORMS} platforms at once are not supported`)
  const unique = new Map(platforms.map((platform) => [formatPlatform(platform), platform]))
  return platforms.length === 0 ? [hostPlatform()] : [...unique.values()]
}

/** Whether the result is told by platform: as an index, in a directory for each. */
export function isForSeveral(platforms: readonly Platform[], { buildArgs }: Pick<Settings, 'buildArgs'>): boolean {
  return platforms.length > 1 || /^(?:1|t|true)$/i.test(buildArgs.get('BUILDKIT_MULTI_PLATFORM') ?? '')
}

/** @throws {InvalidArgument} */
export function parseTags(tags: readonly string[]): readonly ImageName[] {
  return tags.map((text) => {
    const reference = withDefaultTag(parseReference(text))
    if (reference.digest !== undefined)
      throw new InvalidArgument(`invalid tag ${JSON.stringify(text)}: refusing to create a tag with a digest reference`)
    return { repository: repositoryName(reference), tag: reference.tag ?? 'latest' }
  })
}

/** A path that may begin with the user's home. */
export function hostPath(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}
