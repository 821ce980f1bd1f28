/** Authenticated requests to the endpoints of one registry for one repository. */
import type { Reference } from '../oci/reference.ts'
import { parseChallenges } from './challenge.ts'
import type { RegistryConfiguration } from './configuration.ts'
import { type Credentials, findCredentials } from './credentials.ts'
import { type Endpoint, endpointsOf } from './endpoints.ts'
import { AccessDenied, RegistryUnreachable } from './errors.ts'
import { type Authorization, authorize } from './tokens.ts'
import { drain, type HttpRequest, type HttpResponse, type Transport } from './transport.ts'

export interface SessionRequest extends Omit<HttpRequest, 'url' | 'skipVerify'> {
  /** Below `/v2/REPOSITORY/`, or an absolute URL the registry gave. */
  readonly path: string | URL
  /** More scopes than the session's own, e.g. of a repository to mount from. */
  readonly scopes?: readonly string[]
}

export interface Session {
  readonly reference: Reference
  readonly origin: Endpoint
  /** To the origin alone: what changes something. */
  send(request: SessionRequest): Promise<HttpResponse>
  /** To the mirrors in turn, then the origin; the first that answers well is taken. */
  sendAnywhere(request: SessionRequest): Promise<HttpResponse>
}

export interface SessionOptions {
  readonly transport: Transport
  readonly configuration: RegistryConfiguration
  readonly reference: Reference
  readonly action: 'pull' | 'push'
  readonly onWarning: (text: string) => void
}

export function openSession(options: SessionOptions): Session {
  const { reference, action, configuration } = options
  const endpoints = endpointsOf(reference.registry, action, configuration)
  const origin = endpoints.at(-1)
  if (origin === undefined) throw new Error('a registry has an endpoint')
  const credentials = once(() => findCredentials(reference.registry))
  const doors = endpoints.map((endpoint) =>
    openDoor(endpoint, options, endpoint.mirror ? async () => undefined : credentials),
  )
  const sendToOrigin = doors[doors.length - 1] ?? openDoor(origin, options, credentials)
  return {
    reference,
    origin,
    send: sendToOrigin,
    sendAnywhere: async (request) => {
      for (const mirror of doors.slice(0, -1)) {
        const answer = await mirror(request).catch(onlyUnreachable)
        if (answer !== undefined && answer.status < 400) return answer
        drain(answer)
      }
      return sendToOrigin(request)
    },
  }
}

/** A mirror that is down or refuses is a mirror less, not a failed pull. */
function onlyUnreachable(error: unknown): undefined {
  if (!(error instanceof RegistryUnreachable || error instanceof AccessDenied)) throw error
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= make())
}

type Door = (request: SessionRequest) => Promise<HttpResponse>

/** One endpoint with its authorization, which is renewed when it has run out or is refused. */
function openDoor(
  endpoint: Endpoint,
  options: SessionOptions,
  credentials: () => Promise<Credentials | undefined>,
): Door {
  const { transport, reference, action, onWarning } = options
  const ownScope = `repository:${reference.repository}:${action === 'push' ? 'pull,push' : 'pull'}`
  let authorization: Authorization | undefined
  const attempt = async (request: SessionRequest): Promise<HttpResponse> => {
    const url =
      typeof request.path === 'string'
        ? new URL(`${endpoint.base.href.replace(/\/$/, '')}/${reference.repository}/${request.path}`)
        : request.path
    const mine = url.host === endpoint.base.host
    const usable = authorization !== undefined && authorization.expiresAtMs > Date.now() ? authorization : undefined
    const headers = { ...request.headers, ...(usable !== undefined && mine && { authorization: usable.header }) }
    const { skipVerify } = endpoint
    const answer = await transport.send({ ...request, url, headers, skipVerify })
    passWarnings(answer, onWarning)
    return answer
  }
  return async (request) => {
    const first = await attempt(request)
    if (first.status !== 401 || first.url.host !== endpoint.base.host) return first
    const challenges = parseChallenges(first.headers['www-authenticate'])
    const scopes = [ownScope, ...(request.scopes ?? [])]
    const { skipVerify } = endpoint
    const found = await credentials()
    const fresh = await authorize(transport, {
      host: endpoint.base.host,
      challenges,
      scopes,
      credentials: found,
      skipVerify,
      signal: request.signal,
    })
    if (fresh === undefined) return first
    drain(first)
    authorization = fresh
    return attempt(request)
  }
}

const MAX_WARNING = 4096

/** `Warning: 299 - "text"` (distribution-spec, Warnings). */
function passWarnings({ headers }: HttpResponse, onWarning: (text: string) => void): void {
  const raw = headers['warning']
  for (const value of raw === undefined ? [] : [raw].flat()) {
    const text = /^299 - "((?:[^"\\]|\\.)*)"/.exec(value.slice(0, MAX_WARNING))?.[1]
    if (text !== undefined) onWarning(text.replace(/\\(.)/g, '$1'))
  }
}
