/** Addresses as people may see them. */

/** Of a repository: without a password; over http without a user too, who is often a token. */
export function shownAddress(text: string): string {
  return text
    .replace(/(https?:\/\/)[^/?#\s]*@/gi, '$1xxxxx@')
    .replace(/([a-z]+:\/\/[^/:@?#\s]*):[^/?#\s]*@/gi, '$1:xxxxx@')
}

/** Of a file: without a user, and without what may be a token. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
}
