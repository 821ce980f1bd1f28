/** `KEY=VALUE` words, the last one of a key counts; a key alone has an empty value. */
export function keyValues(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=')
      return equals === -1 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
    }),
  )
}
