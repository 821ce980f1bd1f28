/** What can go wrong with images, in docker's words where it has them. */
import { CoracleError, type CoracleErrorOptions } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'

export class ImageNotFound extends CoracleError {
  override readonly code = 'IMAGE_NOT_FOUND'
  override readonly status = 404
  constructor(name: string, options?: CoracleErrorOptions) {
    super(`No such image: ${name}`, { hint: 'see what there is with `coracle images`', ...options })
  }
}

/** The image is there, but for another platform than the one asked for. A subclass, because a pull is the cure of both. */
export class PlatformMismatch extends ImageNotFound {
  constructor(name: string, wanted: string, actual: string) {
    super(name, { hint: `pull it for the other platform: coracle pull --platform ${wanted} ${name}` })
    this.message = `image with reference ${name} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`
  }
}

export class NothingToPush extends ImageNotFound {
  constructor(name: string) {
    super(name, { hint: 'give an image that name first: coracle tag IMAGE NAME' })
    this.message = `An image does not exist locally with the tag: ${name}`
  }
}

export class AmbiguousImage extends CoracleError {
  override readonly code = 'IMAGE_AMBIGUOUS'
  override readonly status = 409
  constructor(prefix: string) {
    super(`multiple IDs found with provided prefix: ${prefix}`, { hint: 'give more digits of the ID, or a name' })
  }
}

/** Removing is refused: containers use the image, or it has more names than the one given. */
export class ImageInUse extends CoracleError {
  override readonly code = 'IMAGE_IN_USE'
  override readonly status = 409
  constructor(what: string, reason: string, options?: CoracleErrorOptions) {
    super(`conflict: unable to ${what} - ${reason}`, options)
  }
}

/** The registry holds something Coracle does not take: schema 1, foreign layers, unknown media types, Spin applications. */
export class ManifestUnsupported extends CoracleError {
  override readonly code = 'MANIFEST_UNSUPPORTED'
  override readonly status = 400
}

/** A manifest, index or config that breaks its own specification. */
export class ManifestInvalid extends CoracleError {
  override readonly code = 'MANIFEST_INVALID'
  constructor(what: string, reason: string, options?: CoracleErrorOptions) {
    super(`${what} is invalid: ${reason}`, options)
  }
}

export class PlatformMissing extends CoracleError {
  override readonly code = 'PLATFORM_MISSING'
  override readonly status = 404
  constructor(name: string, wanted: string, available: readonly string[]) {
    super(`no matching manifest for ${wanted} in the manifest list entries of ${name}`, {
      hint:
        available.length === 0 ? 'it lists no platform at all' : `choose with --platform: ${[...available].join(', ')}`,
    })
  }
}

/** An artifact of unknown kind: it can be stored, inspected and copied, not run. */
export class ImageNotRunnable extends CoracleError {
  override readonly code = 'IMAGE_NOT_RUNNABLE'
  override readonly exitCode = 125
  override readonly status = 400
  constructor(name: string, mediaType: string) {
    super(`${name} is an artifact of type ${mediaType}, not an image that can be run`)
  }
}

/** Content whose bytes are not what its descriptor says; what was received has been removed. */
export class BlobMismatch extends CoracleError {
  override readonly code = 'BLOB_MISMATCH'
  constructor(blob: Descriptor, found: string, options?: CoracleErrorOptions) {
    super(`blob ${blob.digest} (${blob.size} bytes) does not match: got ${found}`, {
      hint: 'the content was damaged on its way, or the registry holds a damaged copy; try again',
      ...options,
    })
  }
}

/** Content the store should have and has not, e.g. because somebody removed the file. */
export class BlobMissing extends CoracleError {
  override readonly code = 'BLOB_MISSING'
  constructor(digest: string, image: string, options?: CoracleErrorOptions) {
    super(`content ${digest} of image ${image} is not in the store`, {
      hint: `fetch it again: coracle pull ${image}`,
      ...options,
    })
  }
}

/** A tar given to `load` or `import` that is none, is damaged, or tries something it must not. */
export class ArchiveInvalid extends CoracleError {
  override readonly code = 'ARCHIVE_INVALID'
  override readonly status = 400
}
