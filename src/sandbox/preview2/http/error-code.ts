/** `wasi:http/types.error-code` of what Node says. */

export interface ErrorCode {
  readonly tag: string
  readonly val?: unknown
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: { tag: 'DNS-error', val: { rcode: 'NXDOMAIN', infoCode: undefined } },
  EAI_AGAIN: { tag: 'DNS-timeout' },
  ECONNREFUSED: { tag: 'connection-refused' },
  ECONNRESET: { tag: 'connection-terminated' },
  EPIPE: { tag: 'connection-terminated' },
  ETIMEDOUT: { tag: 'connection-timeout' },
  ENETUNREACH: { tag: 'destination-IP-unroutable' },
  EHOSTUNREACH: { tag: 'destination-IP-unroutable' },
  /** The runner has no network. */
  EPERM: { tag: 'HTTP-request-denied' },
  EACCES: { tag: 'HTTP-request-denied' },
  HPE_HEADER_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
}

export function errorCodeOf(error: unknown): ErrorCode {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('HPE_') && CODES[code] === undefined) return { tag: 'HTTP-protocol-error' }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return { tag: 'TLS-certificate-error' }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') return { tag: 'TLS-protocol-error' }
  return CODES[code] ?? { tag: 'internal-error', val: undefined }
}
