/** `tag`: one more name for an image. */
import { InvalidArgument } from '../errors.ts'
import { familiarName, parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import { transaction } from '../state/database.ts'
import type { ImageContext } from './context.ts'
import { insertImageEvent } from './events.ts'
import { findImage } from './find.ts'
import { writeName } from './records.ts'

/** Atomic. A name that belongs to another image is taken from it. @throws {ImageNotFound} `source` */
export function tagImage(context: ImageContext, source: string, target: string): void {
  const reference = parseReference(target)
  if (reference.digest !== undefined) {
    throw new InvalidArgument('refusing to create a tag with a digest reference')
  }
  transaction(context.database, () => {
    const image = findImage(context.database, source)
    writeName(context.database, image.id, { repository: repositoryName(reference), tag: reference.tag ?? 'latest' })
    const name = familiarName(withDefaultTag(reference))
    insertImageEvent(context.database, { action: 'tag', image, name })
  })
}
