/** Addresses as people may see them. */

/** Of a repository: without a password. */
export function shownAddress(remote: string): string {
  return remote.replace(/^([a-z]+:\/\/[^/:@]*):[^/@]*@/i, '$1:xxxxx@')
}

/** Of a file: without a user, and without what may be a token. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`
}
