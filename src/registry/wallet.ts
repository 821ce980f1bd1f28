/** Keeps the authorization of one endpoint, so that requests at the same time ask for one token and not for many. */
import type { HttpResponse } from './http.ts'
import type { Authorization } from './tokens.ts'

export interface Needs {
  /** Beyond those of the session. */
  readonly scopes?: readonly string[]
  readonly signal?: AbortSignal | undefined
}

export interface Wallet {
  /** The header that was good for the last request; undefined when there is none or it has run out. */
  usable(): string | undefined
  /**
   * @param answer - the 401
   * @param used - the header that was refused
   * @returns undefined when nothing that could be sent would help
   */
  renew(
    answer: HttpResponse,
    refused: { readonly used: string | undefined; readonly request: Needs },
  ): Promise<string | undefined>
}

export function openWallet(
  fetchOne: (answer: HttpResponse, needs: Needs) => Promise<Authorization | undefined>,
): Wallet {
  let current: Authorization | undefined
  let pending: Promise<string | undefined> | undefined
  const usable = () => (current !== undefined && current.expiresAtMs > Date.now() ? current.header : undefined)
  const fetchAndKeep = async (answer: HttpResponse, needs: Needs) => {
    const fresh = await fetchOne(answer, needs)
    current = fresh ?? current
    return fresh?.header
  }
  return {
    usable,
    renew: async (answer, { used, request }) => {
      // Who needs more than the others asks for itself.
      if ((request.scopes ?? []).length > 0) return fetchAndKeep(answer, request)
      await pending?.catch(() => undefined) // whoever asked for it is told; this request asks again
      const renewed = usable()
      if (renewed !== undefined && renewed !== used) return renewed
      const own = fetchAndKeep(answer, request)
      pending = own
      try {
        return await own
      } finally {
        if (pending === own) pending = undefined
      }
    },
  }
}
