/** `--build-context name=place`. */
import { statSync } from 'node:fs'
import { InvalidArgument } from '../../errors.ts'
import { hostPath } from '../parse-request.ts'

export type NamedContext =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'image'; readonly reference: string }

/** @throws {InvalidArgument} */
export function parseContexts(texts: readonly string[]): ReadonlyMap<string, NamedContext> {
  return new Map(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new InvalidArgument(`invalid context value: ${text}, expected key=value`)
      return [text.slice(0, equals), parsePlace(text.slice(equals + 1))]
    }),
  )
}

function parsePlace(place: string): NamedContext {
  if (place.startsWith('docker-image://')) return { kind: 'image', reference: place.slice('docker-image://'.length) }
  if (/^[a-z][a-z0-9+.-]*:/i.test(place))
    throw new InvalidArgument(`build context ${place} is not supported`, {
      hint: 'name a directory, or an image by docker-image://REFERENCE',
    })
  const path = hostPath(place)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new InvalidArgument(`failed to get build context: ${place} is no directory`)
  return { kind: 'directory', path }
}
