/** Opens the registry client: one pool of connections for all that a command does. */
import type { Reference } from '../oci/reference.ts'
import { getBlob } from './blobs.ts'
import { parseChallenges } from './challenge.ts'
import type { RegistryClient, RegistryRepository } from './client.ts'
import { readConfiguration } from './configuration.ts'
import { endpointsOf } from './endpoints.ts'
import { LoginFailed, RegistryFault } from './errors.ts'
import { drain, errorDetail, type Transport } from './http.ts'
import { getManifest, putManifest, resolveManifest } from './manifests.ts'
import { settleEndpoint } from './reach.ts'
import { openSession } from './session.ts'
import { listTags } from './tags.ts'
import { authorize } from './tokens.ts'
import { openTransport } from './transport.ts'
import { pushBlob } from './upload.ts'

export interface RegistryClientOptions {
  /** What registries want their users to read, each text once. */
  readonly onWarning?: (text: string) => void
  readonly onRetry?: (reason: string) => void
}

export function openRegistryClient({ onWarning, onRetry }: RegistryClientOptions = {}): RegistryClient {
  const transport = openTransport(onRetry)
  const warned = new Set<string>()
  const warnOnce = (text: string) => {
    if (!warned.has(text)) onWarning?.(text)
    warned.add(text)
  }
  return {
    repository: (reference, action) => openRepository(transport, { reference, action, onWarning: warnOnce }),
    login: (registry, credentials) => login(transport, { registry, credentials }),
    close: () => transport.close(),
  }
}

interface RepositoryOptions {
  readonly reference: Reference
  readonly action: 'pull' | 'push'
  readonly onWarning: (text: string) => void
}

function openRepository(transport: Transport, options: RepositoryOptions): RegistryRepository {
  const session = openSession({ transport, configuration: readConfiguration(), ...options })
  return {
    reference: options.reference,
    resolve: (tagOrDigest, signal) => resolveManifest(session, tagOrDigest, signal),
    getManifest: (tagOrDigest, signal) => getManifest(session, tagOrDigest, signal),
    getBlob: (descriptor, blobOptions) => getBlob(session, descriptor, blobOptions),
    pushBlob: (descriptor, open, pushOptions = {}) => pushBlob(session, descriptor, { open, options: pushOptions }),
    putManifest: (tagOrDigest, bytes, ...[mediaType, signal]) =>
      putManifest(session, tagOrDigest, { bytes, mediaType, signal }),
    tags: (tagOptions) => listTags(session, tagOptions),
  }
}

interface LoginRequest {
  readonly registry: string
  readonly credentials: { readonly username: string; readonly password: string }
}

async function login(
  transport: Transport,
  { registry, credentials }: LoginRequest,
): Promise<{ identityToken?: string }> {
  const [origin] = endpointsOf(registry, 'push', readConfiguration())
  if (origin === undefined) throw new Error('a registry has an endpoint')
  const endpoint = await settleEndpoint(transport, origin)
  const { base, host, skipVerify } = endpoint
  const url = new URL(`${base.href.replace(/\/$/, '')}/`)
  const asked = await transport.send({ method: 'GET', url, skipVerify })
  drain(asked)
  if (asked.status === 200) return {} // it lets everybody in
  if (asked.status !== 401) throw new RegistryFault(host, `answered ${asked.status} to a login`)
  const challenges = parseChallenges(asked.headers['www-authenticate'])
  const authorization = await authorize(transport, {
    base,
    challenges,
    scopes: [],
    credentials,
    skipVerify,
    offline: true,
  })
  if (authorization === undefined)
    throw new LoginFailed(registry, 'it asks for credentials of a kind that is not supported')
  const answer = await transport.send({
    method: 'GET',
    url,
    headers: { authorization: authorization.header },
    skipVerify,
  })
  if (answer.status !== 200) throw new LoginFailed(registry, (await errorDetail(answer)).text)
  drain(answer)
  return authorization.identityToken === undefined ? {} : { identityToken: authorization.identityToken }
}
