/** Tags page by page (distribution-spec, Listing tags). */
import { RegistryFault } from './errors.ts'
import { readBody } from './http.ts'
import { header } from './manifests.ts'
import { refusal } from './refusal.ts'
import type { Session } from './session.ts'

const MAX_PAGE_BYTES = 16 << 20
const MAX_PAGES = 10_000
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

export async function* listTags(
  session: Session,
  { pageSize, signal }: { readonly pageSize?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<string> {
  let path: string | URL = `tags/list${pageSize === undefined ? '' : `?n=${pageSize}`}`
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await session.send({
      method: 'GET',
      path,
      headers: { accept: 'application/json' },
      follow: true,
      signal,
    })
    if (answer.status !== 200) throw await refusal(answer, session.reference)
    const next = nextPage(header(answer, 'link'), answer.url)
    yield* tagsOf(await readBody(answer, MAX_PAGE_BYTES), answer.url.host)
    if (next === undefined) return
    path = next
  }
}

function tagsOf(body: Buffer, host: string): string[] {
  let parsed: { tags?: unknown }
  try {
    parsed = JSON.parse(body.toString('utf8')) as typeof parsed
  } catch {
    throw new RegistryFault(host, 'sent a list of tags that is no JSON')
  }
  // A repository whose tags were all deleted has `null`.
  return Array.isArray(parsed.tags)
    ? parsed.tags.filter((tag): tag is string => typeof tag === 'string' && TAG.test(tag))
    : []
}

/** `<…>; rel="next"`. Fewer tags than asked for do not mean the end; only a missing link does. */
function nextPage(link: string | undefined, current: URL): URL | undefined {
  const target = /<([^>]+)>\s*;[^,]*rel="?next"?/.exec(link ?? '')?.[1]
  if (target === undefined || !URL.canParse(target, current)) return undefined
  const next = new URL(target, current)
  return next.host === current.host ? next : undefined
}
