/** Authenticated requests to the endpoints of one registry for one repository. */
import { CoracleError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import { parseChallenges } from './challenge.ts'
import type { RegistryConfiguration } from './configuration.ts'
import { type Credentials, findCredentials } from './credentials.ts'
import { type Endpoint, endpointsOf } from './endpoints.ts'
import { drain, type HttpRequest, type HttpResponse, type Transport } from './http.ts'
import { settleEndpoint } from './reach.ts'
import { authorize } from './tokens.ts'
import { openWallet } from './wallet.ts'

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
  const credentials = once(() => findCredentials(reference.registry, process.env, reference.repository))
  const doors = endpoints.map((endpoint) =>
    openDoor(endpoint, options, endpoint.mirror ? async () => undefined : credentials),
  )
  const sendToOrigin = doors[doors.length - 1] ?? openDoor(origin, options, credentials)
  return {
    reference,
    origin,
    send: sendToOrigin,
    sendAnywhere: async (request) => {
      for (const [index, door] of doors.slice(0, -1).entries()) {
        if (endpoints[index]?.resolves === false && namesTag(request)) continue
        const answer = await door({ ...request, attempts: MIRROR_ATTEMPTS }).catch(onlyRefusal)
        if (answer !== undefined && answer.status < 400) return answer
        drain(answer)
      }
      return sendToOrigin(request)
    },
  }
}

const MIRROR_ATTEMPTS = 2

function namesTag({ path }: SessionRequest): boolean {
  return typeof path === 'string' && /^manifests\/[^:]+$/.test(path)
}

/** A mirror that is down or refuses is a mirror less, not a failed pull. */
function onlyRefusal(error: unknown): undefined {
  if (!(error instanceof CoracleError)) throw error
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
  const settled = once(() => settleEndpoint(transport, endpoint))
  const wallet = openWallet(async (answer, { scopes = [], signal }) => {
    const { base, skipVerify } = await settled()
    const challenges = parseChallenges(answer.headers['www-authenticate'])
    const request = { base, challenges, scopes: [ownScope, ...scopes], skipVerify, signal }
    return authorize(transport, { ...request, credentials: await credentials() })
  })
  const attempt = async (request: SessionRequest, header: string | undefined): Promise<HttpResponse> => {
    const { base, skipVerify, namespace } = await settled()
    const url = urlOf(request, base, reference.repository)
    if (namespace !== undefined) url.searchParams.set('ns', namespace)
    const mine = header !== undefined && url.origin === base.origin
    const headers = { ...request.headers, ...(mine && { authorization: header }) }
    const answer = await transport.send({ ...request, url, headers, skipVerify })
    passWarnings(answer, onWarning)
    return answer
  }
  return async (request) => {
    const used = wallet.usable()
    const first = await attempt(request, used)
    if (first.status !== 401 || first.url.origin !== (await settled()).base.origin) return first
    const fresh = await wallet.renew(first, { used, request })
    if (fresh === undefined) return first
    drain(first)
    return attempt(request, fresh)
  }
}

function urlOf({ path }: SessionRequest, base: URL, repository: string): URL {
  return new URL(typeof path === 'string' ? `${base.href.replace(/\/$/, '')}/${repository}/${path}` : path)
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
