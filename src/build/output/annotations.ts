/** `--annotation [manifest|index|manifest-descriptor[PLATFORM],…:]KEY=VALUE`. */
import { InvalidArgument } from '../../errors.ts'
import { formatPlatform, parsePlatform } from '../../images/platform.ts'
import type { Platform } from '../../oci/descriptor.ts'

const TYPES = ['manifest', 'index', 'manifest-descriptor'] as const

export interface Annotation {
  readonly type: (typeof TYPES)[number]
  /** undefined: of all */
  readonly platform: string | undefined
  readonly key: string
  readonly value: string
}

/** @throws {InvalidArgument} */
export function parseAnnotations(texts: readonly string[]): readonly Annotation[] {
  return texts.flatMap(parseAnnotation)
}

function parseAnnotation(text: string): readonly Annotation[] {
  const equals = text.indexOf('=')
  const colon = text.slice(0, equals).indexOf(':')
  const key = text.slice(colon + 1, equals)
  if (equals === -1 || key === '')
    throw new InvalidArgument(`invalid annotation ${JSON.stringify(text)}`, { hint: 'write key=value' })
  const value = text.slice(equals + 1)
  const types = colon === -1 ? 'manifest' : text.slice(0, colon)
  return types.split(',').map((type) => ({ ...parseAnnotationType(type, text), key, value }))
}

/** `index`, or `manifest[linux/amd64]`. @param whole - for the message @throws {InvalidArgument} */
export function parseAnnotationType(text: string, whole: string): Pick<Annotation, 'type' | 'platform'> {
  const [, name, platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(text) ?? []
  const type = TYPES.find((one) => one === name)
  if (type === undefined || (type === 'index' && platform !== undefined))
    throw new InvalidArgument(`invalid annotation ${JSON.stringify(whole)}: ${text} cannot be annotated`, {
      hint: `known: ${TYPES.join(', ')}; the platform of a manifest stands in brackets`,
    })
  return { type, platform: platform === undefined ? undefined : formatPlatform(parsePlatform(platform)) }
}

/** Those of one thing; the last one with a key wins. */
export function annotationsOf(
  all: readonly Annotation[],
  type: Annotation['type'],
  platform?: Platform,
): Readonly<Record<string, string>> {
  const text = platform === undefined ? undefined : formatPlatform(platform)
  const mine = all.filter((one) => one.type === type && (one.platform === undefined || one.platform === text))
  return Object.fromEntries(mine.map(({ key, value }) => [key, value]))
}
