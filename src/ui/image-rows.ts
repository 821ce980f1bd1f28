/** Rows of `images` and `history` by docker's field names. */
import type { FileDifference, HistoryRow, ImageSummary } from '../images/types.ts'
import { digestHex } from '../oci/digest.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import type { Row } from './format-rows.ts'
import { goTime, humanAge, humanSize } from './units.ts'

const NONE = '<none>'

export const IMAGE_HEADINGS = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  VirtualSize: 'VIRTUAL SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  Containers: 'CONTAINERS',
}

export interface RowOptions {
  readonly full: boolean
  readonly digests?: boolean
  readonly nowMs?: number
}

/** One row for each name of each image; an image without a name has one row of `<none>`. */
export function imageRows(images: readonly ImageSummary[], options: RowOptions): readonly Row[] {
  return images.flatMap((image) =>
    namesOf(image, options.digests ?? false).map((name) => imageRow(image, name, options)),
  )
}

interface Name {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

function namesOf({ tags, digests }: ImageSummary, withDigests: boolean): readonly Name[] {
  const known = digests.map(splitName)
  const tagged = tags.map(splitName).flatMap((name) => {
    const same = withDigests ? known.filter(({ repository }) => repository === name.repository) : []
    return same.length === 0 ? [name] : same.map(({ digest }) => ({ ...name, digest }))
  })
  const tagless = known.filter(({ repository }) => !tagged.some((name) => name.repository === repository))
  const names = [...tagged, ...(withDigests ? tagless : tagless.slice(0, tagged.length === 0 ? 1 : 0))]
  return names.length === 0 ? [{ repository: NONE, tag: NONE, digest: NONE }] : names
}

function splitName(name: string): Name {
  const reference = parseReference(name)
  const { registry, repository } = reference
  return {
    repository: familiarName({ registry, repository }),
    tag: reference.tag ?? NONE,
    digest: reference.digest ?? NONE,
  }
}

function imageRow(image: ImageSummary, { repository, tag, digest }: Name, { full, nowMs }: RowOptions): Row {
  return {
    ID: full ? image.id : digestHex(image.id).slice(0, 12),
    Repository: repository,
    Tag: tag,
    Digest: digest,
    CreatedSince: humanAge(image.createdAtMs, nowMs),
    CreatedAt: goTime(image.createdAtMs),
    Size: humanSize(image.sizeBytes, 3),
    VirtualSize: humanSize(image.sizeBytes, 3),
    SharedSize: 'N/A',
    UniqueSize: 'N/A',
    Containers: `${image.containers}`,
  }
}

export const HISTORY_HEADINGS = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
  Tags: 'TAGS',
}
const CREATED_BY_WIDTH = 45

export function historyRows(
  rows: readonly HistoryRow[],
  { full, human }: { full: boolean; human: boolean },
): readonly Row[] {
  return rows.map(({ id, createdAtMs, createdBy, sizeBytes, comment, tags }) => {
    const line = createdBy.replaceAll('\t', ' ')
    const at = createdAtMs <= 0 ? 'N/A' : `${new Date(createdAtMs).toISOString().slice(0, 19)}Z`
    return {
      ID: full || !id.startsWith('sha256:') ? id : id.slice('sha256:'.length, 'sha256:'.length + 12),
      CreatedSince: human ? humanAge(createdAtMs) : at,
      CreatedAt: at,
      CreatedBy: full || line.length <= CREATED_BY_WIDTH ? line : `${line.slice(0, CREATED_BY_WIDTH - 1)}…`,
      Size: human ? humanSize(sizeBytes, 3) : `${sizeBytes}`,
      Comment: comment,
      Tags: tags.join(', '),
    }
  })
}

export const DIFFERENCE_HEADINGS = {
  Kind: 'KIND',
  Path: 'PATH',
  Size: 'SIZE',
  SizeBefore: 'BEFORE',
  SizeAfter: 'AFTER',
}

/** Differences between two images, the largest change of size first. */
export function differenceRows(differences: readonly FileDifference[]): readonly Row[] {
  const growth = ({ sizeBefore, sizeAfter }: FileDifference) => sizeAfter - sizeBefore
  const ranked = [...differences].sort((left, right) => Math.abs(growth(right)) - Math.abs(growth(left)))
  return ranked.map((difference) => ({
    Kind: { added: 'A', changed: 'C', removed: 'D' }[difference.kind],
    Path: difference.path,
    Size: `${growth(difference) < 0 ? '-' : '+'}${humanSize(Math.abs(growth(difference)))}`,
    SizeBefore: difference.sizeBefore,
    SizeAfter: difference.sizeAfter,
  }))
}

/** `busybox:latest` for `docker.io/library/busybox:latest`. */
export function shortName(reference: string): string {
  return familiarName(parseReference(reference))
}

/** What `load` says of each image: its name, or the ID of one without. */
export function loadedLine(name: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(name) ? `Loaded image ID: ${name}` : `Loaded image: ${shortName(name)}`
}
