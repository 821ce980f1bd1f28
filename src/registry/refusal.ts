/** Error answers as errors in the user's words. */
import type { CoracleError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import { AccessDenied, RegistryFault, TooManyRequests } from './errors.ts'
import { errorDetail, type HttpResponse } from './http.ts'

/** @param notFound - what a 404 means here, when access is not the question */
export async function refusal(
  answer: HttpResponse,
  reference: Reference,
  notFound?: (code: string) => CoracleError | undefined,
): Promise<CoracleError> {
  const { code, text } = await errorDetail(answer)
  const { status, url } = answer
  if (status === 429) return new TooManyRequests(url.host, text)
  if (status === 404) return notFound?.(code) ?? new AccessDenied(reference, '')
  if (status === 401 || status === 403) return new AccessDenied(reference, text)
  return new RegistryFault(
    url.host,
    `answered ${status}${code === '' ? '' : ` ${code}`}${text === '' ? '' : `: ${text}`}`,
  )
}
