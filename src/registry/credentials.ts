/** Finds, stores and erases credentials where docker keeps them: its configuration file, or a helper that it names. */

import { readFileSync } from 'node:fs'
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import { callHelper } from './credential-helper.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
  /** Instead of a password: traded for tokens. */
  readonly identityToken?: string
  /** Sent as it is. */
  readonly registryToken?: string
}

/** `docker.io` goes by the address that docker once used. */
const HUB_KEY = 'https://index.docker.io/v1/'

type Json = Record<string, unknown>

export function dockerConfigPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json')
}

/**
 * @param repository - podman's files may hold different ones for parts of a registry
 * @returns undefined: ask anonymously
 */
export async function findCredentials(
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
  repository = '',
): Promise<Credentials | undefined> {
  const given = env['DOCKER_AUTH_CONFIG']
  if (given !== undefined) {
    const found = fromAuths(parse(given, 'DOCKER_AUTH_CONFIG'), registry)
    if (found !== undefined) return found
  }
  const config = readConfig(dockerConfigPath(env))
  const helper = helperFor(config, registry)
  const kept = helper === undefined ? undefined : await fromHelper(helper, registry)
  return kept ?? fromAuths(config, registry) ?? fromPodman(registry, env, repository)
}

function helperFor(config: Json, registry: string): string | undefined {
  const helpers = object(config['credHelpers'])
  const named = keysOf(registry)
    .map((key) => helpers[key])
    .find((name) => typeof name === 'string')
  const chosen = named ?? config['credsStore']
  return typeof chosen === 'string' && chosen !== '' ? chosen : undefined
}

async function fromHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const answer = await callHelper(helper, 'get', serverKey(registry))
  if (answer === undefined) return undefined
  const { Username: username = '', Secret: password = '' } = parse(answer, `docker-credential-${helper}`)
  if (typeof username !== 'string' || typeof password !== 'string') return undefined
  return username === '<token>' ? { username: '', password: '', identityToken: password } : { username, password }
}

function fromAuths(config: Json, registry: string): Credentials | undefined {
  const auths = object(config['auths'])
  const wanted = new Set(keysOf(registry).map(bare))
  for (const [key, value] of Object.entries(auths)) {
    if (!wanted.has(bare(key))) continue
    const found = fromEntry(object(value))
    if (found !== undefined) return found
  }
  return undefined
}

function fromEntry(entry: Json): Credentials | undefined {
  const text = (key: string) => (typeof entry[key] === 'string' ? entry[key] : '')
  const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = decoded.indexOf(':') // the password may hold more of them
  const username = text('username') || decoded.slice(0, Math.max(colon, 0))
  const password = text('password') || (colon === -1 ? '' : decoded.slice(colon + 1))
  const [identityToken, registryToken] = [text('identitytoken'), text('registrytoken')]
  if (username === '' && identityToken === '' && registryToken === '') return undefined
  return { username, password, ...(identityToken && { identityToken }), ...(registryToken && { registryToken }) }
}

/** podman's files, for those who logged in with it. The longest key wins: `host/namespace/repository`, …, `host`. */
function fromPodman(registry: string, env: NodeJS.ProcessEnv, repository: string): Credentials | undefined {
  const parts = repository === '' ? [] : repository.split('/')
  const names = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join('/')}`)
  const runtime = env['XDG_RUNTIME_DIR']
  const files = [
    ...(env['REGISTRY_AUTH_FILE'] === undefined ? [] : [env['REGISTRY_AUTH_FILE']]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers/auth.json')]),
    join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'containers/auth.json'),
  ]
  return files
    .map((path) => readConfig(path))
    .flatMap((config) => [...names, registry].map((name) => fromAuths(config, name)))
    .find((found) => found !== undefined)
}

/**
 * Keeps credentials for later commands.
 *
 * @returns the file they were written to in plain text, if they were
 */
export async function storeCredentials(
  registry: string,
  credentials: Credentials,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly plainTextPath?: string }> {
  const path = dockerConfigPath(env)
  const config = readConfig(path)
  const helper = helperFor(config, registry)
  const { username, password, identityToken } = credentials
  const key = serverKey(registry)
  if (helper !== undefined) {
    const secret =
      identityToken === undefined
        ? { Username: username, Secret: password }
        : { Username: '<token>', Secret: identityToken }
    await callHelper(helper, 'store', JSON.stringify({ ServerURL: key, ...secret }))
    return {}
  }
  const auth = Buffer.from(`${username}:${identityToken === undefined ? password : ''}`).toString('base64')
  const entry = { auth, ...(identityToken !== undefined && { identitytoken: identityToken }) }
  await writeConfig(path, { ...config, auths: { ...object(config['auths']), [key]: entry } })
  return { plainTextPath: path }
}

/** Idempotent: an unknown host is fine. */
export async function eraseCredentials(registry: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = dockerConfigPath(env)
  const config = readConfig(path)
  const helper = helperFor(config, registry)
  if (helper !== undefined) await callHelper(helper, 'erase', serverKey(registry))
  const wanted = new Set(keysOf(registry).map(bare))
  const auths = object(config['auths'])
  const kept = Object.entries(auths).filter(([key]) => !wanted.has(bare(key)))
  if (kept.length < Object.keys(auths).length) await writeConfig(path, { ...config, auths: Object.fromEntries(kept) })
}

async function writeConfig(path: string, config: Json): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const target = await realpath(path).catch(() => path) // a link into somebody's dotfiles stays one
  const partial = `${target}.${process.pid}`
  try {
    await writeFile(partial, `${JSON.stringify(config, null, '\t')}\n`, { mode: 0o600, flag: 'wx' })
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw new InvalidArgument(`cannot write ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function serverKey(registry: string): string {
  return registry === 'docker.io' ? HUB_KEY : registry
}

function keysOf(registry: string): string[] {
  return registry === 'docker.io'
    ? [HUB_KEY, 'docker.io', 'index.docker.io', 'registry-1.docker.io']
    : [registry, `https://${registry}`, `http://${registry}`]
}

/** Keys are written in many ways: with a scheme, a slash, an API version. */
function bare(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '')
}

function readConfig(path: string): Json {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new InvalidArgument(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  return parse(text, path)
}

/** Never quotes what it read: it holds secrets. */
function parse(text: string, source: string): Json {
  try {
    return object(JSON.parse(text))
  } catch {
    throw new InvalidArgument(`${source} holds no valid JSON`, { hint: 'mend or remove it' })
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}
