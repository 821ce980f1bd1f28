/** `images`: one summary for each image, newest first. */

import { hasLabel } from '../util/filters.ts'
import { parseMoment } from '../util/moment.ts'
import type { ImageContext } from './context.ts'
import { parseImageFilters, referenceMatches } from './filters.ts'
import { findImage } from './find.ts'
import { type ImageRecord, readImages, readNames } from './records.ts'
import type { ImageFilters, ImageSummary, ListImagesOptions } from './types.ts'

/** @throws {InvalidArgument} a filter makes no sense @throws {ImageNotFound} `before` or `since` name nothing */
export function listImages(context: ImageContext, options: ListImagesOptions = {}): readonly ImageSummary[] {
  const filters = parseImageFilters(options.filters ?? [])
  const patterns = [...(filters.references ?? []), ...(options.name === undefined ? [] : [options.name])]
  return readImages(context.database)
    .map((image) => summarise(context, image))
    .map((image) => (patterns.length === 0 ? image : onlyMatching(image, patterns)))
    .filter((image) => patterns.length === 0 || image.tags.length + image.digests.length > 0)
    .filter(selects(context, filters))
}

function summarise(context: ImageContext, image: ImageRecord): ImageSummary {
  const names = readNames(context.database, image.id)
  return {
    id: image.id,
    tags: names.filter(({ tag }) => tag !== undefined).map(({ repository, tag }) => `${repository}:${tag}`),
    digests: names
      .filter(({ digest }) => digest !== undefined)
      .map(({ repository, digest }) => `${repository}@${digest}`),
    createdAtMs: image.createdAtMs,
    sizeBytes: image.sizeBytes,
    labels: image.labels,
    platform: image.platform,
    containers: context.usersOf(image.id).length,
  }
}

/** With a pattern only the names that match are shown. */
function onlyMatching(image: ImageSummary, patterns: readonly string[]): ImageSummary {
  const matching = (names: readonly string[]) =>
    names.filter((name) => patterns.some((pattern) => referenceMatches(name, pattern)))
  return { ...image, tags: matching(image.tags), digests: matching(image.digests) }
}

/** The conditions that `images` and `image prune` share; all must hold. */
export function selects(context: ImageContext, filters: ImageFilters): (image: ImageSummary) => boolean {
  const createdOf = (name: string) => findImage(context.database, name).createdAtMs
  const before = filters.before === undefined ? Number.POSITIVE_INFINITY : createdOf(filters.before)
  const since = filters.since === undefined ? Number.NEGATIVE_INFINITY : createdOf(filters.since)
  const until = filters.until === undefined ? Number.POSITIVE_INFINITY : parseMoment(filters.until, 'until')
  return (image) =>
    (filters.dangling === undefined || (image.tags.length === 0) === filters.dangling) &&
    (filters.labels ?? []).every((label) => hasLabel(image.labels, label)) &&
    !(filters.labelsNot ?? []).some((label) => hasLabel(image.labels, label)) &&
    image.createdAtMs < before &&
    image.createdAtMs > since &&
    image.createdAtMs < until
}
