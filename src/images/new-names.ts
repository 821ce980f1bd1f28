/** The names that a new image is to get. */
import { parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import type { ImageName } from './records.ts'

/** Empty texts stand for no name. @throws {InvalidArgument} one of them is malformed */
export function newNames(references: readonly (string | undefined)[]): readonly ImageName[] {
  return references.flatMap((text) => {
    if (text === undefined || text === '') return []
    const reference = withDefaultTag(parseReference(text))
    return [{ repository: repositoryName(reference), tag: reference.tag ?? 'latest' }]
  })
}
