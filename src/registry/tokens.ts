/** Answers a registry's challenge: Basic, or a Bearer token fetched from its realm (distribution: token authentication). */
import type { Challenge } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import { LoginFailed, RegistryFault } from './errors.ts'
import { drain, errorDetail, type HttpResponse, readBody, type Transport } from './http.ts'
import { isLoopback } from './networks.ts'

export interface TokenRequest {
  /** Where the challenge came from. */
  readonly base: URL
  readonly challenges: readonly Challenge[]
  /** `repository:NAME:pull` and so on; the union of what will be asked. */
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  readonly skipVerify: boolean
  readonly signal?: AbortSignal | undefined
  /** Ask for an identity token as well. */
  readonly offline?: boolean
}

export interface Authorization {
  /** Value of the header. */
  readonly header: string
  readonly expiresAtMs: number
  readonly identityToken?: string
}

const DEFAULT_LIFE_S = 60
const MAX_TOKEN_BYTES = 1 << 20
const CLIENT_ID = 'coracle'

/** @returns undefined when nothing we could send would help */
export async function authorize(transport: Transport, request: TokenRequest): Promise<Authorization | undefined> {
  const { challenges, credentials } = request
  if (credentials?.registryToken !== undefined) return lasting(`Bearer ${credentials.registryToken}`)
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters['realm'] !== undefined)
  if (bearer !== undefined) return fetchToken(transport, bearer, request)
  const basic = challenges.some(({ scheme }) => scheme === 'basic')
  return basic && credentials !== undefined && credentials.username !== ''
    ? lasting(basicHeader(credentials))
    : undefined
}

function lasting(header: string): Authorization {
  return { header, expiresAtMs: Number.POSITIVE_INFINITY }
}

function basicHeader({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function fetchToken(
  transport: Transport,
  { parameters }: Challenge,
  request: TokenRequest,
): Promise<Authorization> {
  const realm = safeRealm(parameters['realm'] ?? '', request.base)
  const scopes = [...new Set([...(parameters['scope'] ?? '').split(' '), ...request.scopes])].filter(
    (scope) => scope !== '',
  )
  const service = parameters['service']
  const { credentials } = request
  const refreshed =
    credentials?.identityToken === undefined ? undefined : await byPost(transport, { realm, service, scopes }, request)
  if (refreshed !== undefined) return refreshed
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  const named = credentials !== undefined && credentials.username !== ''
  if (named) url.searchParams.set('account', credentials.username)
  if (named && request.offline) {
    url.searchParams.set('offline_token', 'true')
    url.searchParams.set('client_id', CLIENT_ID)
  }
  const headers: Record<string, string> = named ? { authorization: basicHeader(credentials) } : {}
  const answer = await transport.send({
    method: 'GET',
    url,
    headers,
    follow: true,
    signal: request.signal,
    skipVerify: mayBeUnverified(realm, request),
  })
  return readToken(answer, request.base.host)
}

/** What the configuration says of the registry it does not say of other hosts. */
function mayBeUnverified(realm: URL, { base, skipVerify }: TokenRequest): boolean {
  return skipVerify && realm.hostname === base.hostname
}

interface Realm {
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: readonly string[]
}

/** OAuth2: where the server has no such thing, and a password is known, the old way is tried. */
async function byPost(
  transport: Transport,
  { realm, service, scopes }: Realm,
  request: TokenRequest,
): Promise<Authorization | undefined> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: request.credentials?.identityToken ?? '',
  })
  if (service !== undefined) form.set('service', service)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  const answer = await transport.send({
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: () => Buffer.from(form.toString()),
    signal: request.signal,
    skipVerify: mayBeUnverified(realm, request),
  })
  const fallBack = [400, 401, 404, 405].includes(answer.status) && (request.credentials?.username ?? '') !== ''
  if (fallBack) {
    drain(answer)
    return undefined
  }
  return readToken(answer, request.base.host)
}

/** Credentials travel encrypted, or not beyond this machine, or where they were meant for anyway. */
function safeRealm(text: string, base: URL): URL {
  if (!URL.canParse(text)) throw new RegistryFault(base.host, 'asks for a token from no address')
  const url = new URL(text)
  const here = isLoopback(url.hostname.replace(/^\[|\]$/g, '')) || url.origin === base.origin
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && here)
  if (!safe) throw new RegistryFault(base.host, `asks for credentials at ${url.origin}, which is not encrypted`)
  return url
}

async function readToken(answer: HttpResponse, host: string): Promise<Authorization> {
  if (answer.status === 401 || answer.status === 403) throw new LoginFailed(host, (await errorDetail(answer)).text)
  if (answer.status !== 200)
    throw new RegistryFault(answer.url.host, `answered ${answer.status} when asked for a token`)
  const body = await readBody(answer, MAX_TOKEN_BYTES)
  let parsed: { token?: unknown; access_token?: unknown; expires_in?: unknown; refresh_token?: unknown }
  try {
    parsed = JSON.parse(body.toString('utf8')) as typeof parsed
  } catch {
    throw new RegistryFault(answer.url.host, 'sent a token that is no JSON')
  }
  const token = parsed.token ?? parsed.access_token
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new RegistryFault(answer.url.host, 'sent no token')
  const life = typeof parsed.expires_in === 'number' && parsed.expires_in > 0 ? parsed.expires_in : DEFAULT_LIFE_S
  // A little early: the clocks differ, and the request takes time.
  const expiresAtMs = Date.now() + life * 1000 * 0.9
  const refresh = typeof parsed.refresh_token === 'string' && { identityToken: parsed.refresh_token }
  return { header: `Bearer ${token}`, expiresAtMs, ...refresh }
}
