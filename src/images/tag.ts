/** `tag`: one more name for an image. */
import { InvalidArgument } from '../errors.ts'
import { familiarName, parseReference, repositoryName, withDefaultTag } from '../oci/reference.ts'
import { transaction } from '../state/database.ts'
import type { ImageContext } from './context.ts'
import { insertImageEvent } from './events.ts'
import { findImage, taggedAs } from './find.ts'
import { writeTag } from './records.ts'

/** Atomic. The name of an index stands for all of its images. A name that belongs to another image is taken from it. @throws {ImageNotFound} `source` */
export function tagImage(context: ImageContext, source: string, name: string): void {
  const reference = parseReference(name)
  if (reference.digest !== undefined) {
    throw new InvalidArgument('refusing to create a tag with a digest reference')
  }
  transaction(context.database, () => {
    const image = findImage(context.database, source)
    const target = { repository: repositoryName(reference), tag: reference.tag ?? 'latest' }
    writeTag(context.database, target, taggedAs(context.database, image, source))
    insertImageEvent(context.database, { action: 'tag', image, name: familiarName(withDefaultTag(reference)) })
  })
}
