/** What goes wrong with registries, in the user's words. No message ever holds a credential or a token. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'
import { familiarName, type Reference } from '../oci/reference.ts'

/** No answer at all: name resolution, connection, TLS, time-out. */
export class RegistryUnreachable extends CoracleError {
  override readonly code = 'REGISTRY_UNREACHABLE'
  constructor(host: string, cause: unknown) {
    super(`cannot reach the registry ${host}: ${reasonOf(cause)}`, { cause, hint: hintFor(cause) })
  }
}

/** One line of at most 300 characters, without Node's advice. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause.cause instanceof Error ? cause.cause : cause
  const text = (inner.message.split('\n')[0] ?? '').replace(/; if the root CA is installed locally.*$/, '') // Node's advice
  const code = 'code' in inner ? ` (${String(inner.code)})` : ''
  return `${text}${inner.message.includes(code.slice(2, -1)) ? '' : code}`.slice(0, 300)
}

function hintFor(cause: unknown): string {
  const text = reasonOf(cause)
  if (/wrong version number|packet length too long|EPROTO/i.test(text))
    return 'if it speaks plain http, list it under "insecure-registries" in /etc/coracle/config.json'
  if (/certificate|CERT|self.signed/i.test(text)) return 'put its CA into /etc/docker/certs.d/HOST:PORT/ca.crt'
  return 'check the name, the network and the proxy settings'
}

/** A file that is no registry's. */
export class DownloadFailed extends CoracleError {
  override readonly code = 'DOWNLOAD_FAILED'
  override readonly status = 502
  constructor(url: URL, reason: string, options?: CoracleErrorOptions) {
    super(`cannot download ${url.origin}${url.pathname}: ${reason}`, options) // a query may hold a secret
  }
}

/** 401, 403, and the 404 that registries give to those who may not know: one thing to users. */
export class AccessDenied extends CoracleError {
  override readonly code = 'ACCESS_DENIED'
  override readonly status = 404
  constructor(reference: Reference, detail: string, options?: CoracleErrorOptions) {
    const name = familiarName({ registry: reference.registry, repository: reference.repository })
    const login = `coracle login${reference.registry === 'docker.io' ? '' : ` ${reference.registry}`}`
    super(
      `access denied for ${name}, repository does not exist or may require '${login}'${detail === '' ? '' : `: ${detail}`}`,
      options,
    )
  }
}

export class LoginFailed extends CoracleError {
  override readonly code = 'LOGIN_FAILED'
  override readonly status = 401
  constructor(registry: string, detail: string) {
    super(`login to ${registry} failed${detail === '' ? '' : `: ${detail}`}`, { hint: 'check user name and password' })
  }
}

export class ManifestUnknown extends CoracleError {
  override readonly code = 'MANIFEST_UNKNOWN'
  override readonly status = 404
  constructor(reference: Reference) {
    const { registry, repository } = reference
    super(`manifest for ${familiarName(reference)} not found: manifest unknown`, {
      hint: `see which tags there are: coracle image tags ${familiarName({ registry, repository })}`,
    })
  }
}

export class BlobUnknown extends CoracleError {
  override readonly code = 'BLOB_UNKNOWN'
  override readonly status = 404
  constructor(digest: string) {
    super(`the registry does not have the blob ${digest}`, { hint: 'the image was pushed incompletely: push it again' })
  }
}

export class TooManyRequests extends CoracleError {
  override readonly code = 'TOO_MANY_REQUESTS'
  override readonly status = 429
  constructor(host: string, detail: string) {
    super(`${host} limits how often it may be asked${detail === '' ? '' : `: ${detail}`}`, {
      hint: 'wait, or log in for a higher limit: coracle login',
    })
  }
}

/** An answer that makes no sense, or one that says the registry is broken. */
export class RegistryFault extends CoracleError {
  override readonly code = 'REGISTRY_FAULT'
  override readonly status = 502
  constructor(host: string, reason: string, options?: CoracleErrorOptions) {
    super(`the registry ${host} ${reason}`, options)
  }
}

export class DigestMismatch extends CoracleError {
  override readonly code = 'DIGEST_MISMATCH'
  constructor(expected: string, found: string) {
    super(`the registry answered ${found} when asked for ${expected}`, {
      hint: 'registry or network changed the content: try again, then tell whoever runs the registry',
    })
  }
}

export class UnsupportedManifest extends CoracleError {
  override readonly code = 'UNSUPPORTED_MANIFEST'
  constructor(mediaType: string, hint?: string) {
    super(`manifests of type ${JSON.stringify(mediaType)} are not supported`, { hint })
  }
}

export class CredentialHelperFailed extends CoracleError {
  override readonly code = 'CREDENTIAL_HELPER_FAILED'
  constructor(helper: string, reason: string, options?: CoracleErrorOptions) {
    super(`the credential helper docker-credential-${helper} failed: ${reason}`, {
      hint: 'see credsStore and credHelpers in ~/.docker/config.json',
      ...options,
    })
  }
}
