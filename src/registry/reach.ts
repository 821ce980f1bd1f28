/** Does a registry that may be spoken to in plain http speak TLS all the same? */
import type { Endpoint } from './endpoints.ts'
import { RegistryUnreachable } from './errors.ts'
import { drain, type Transport } from './http.ts'

/**
 * As docker does it: an insecure registry is tried with TLS first, whatever its certificate, then without.
 *
 * @returns the endpoint with the base that answers
 */
export async function settleEndpoint(
  transport: Transport,
  endpoint: Endpoint,
  signal?: AbortSignal | undefined,
): Promise<Endpoint> {
  const { base, plainBase, skipVerify } = endpoint
  if (plainBase === undefined) return endpoint
  try {
    const url = new URL(`${base.href.replace(/\/$/, '')}/`)
    drain(await transport.send({ method: 'GET', url, skipVerify, signal, attempts: 1 }))
    return endpoint
  } catch (error) {
    if (!(error instanceof RegistryUnreachable)) throw error
    return { ...endpoint, base: plainBase, skipVerify: false }
  }
}
