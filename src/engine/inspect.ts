/** `inspect` of whatever has the name: a container, else an image, else a network, else a volume. */
import { ContainerNotFound } from '../containers/errors.ts'
import { CoracleError, InvalidArgument } from '../errors.ts'
import { ImageNotFound } from '../images/errors.ts'
import { NetworkNotFound } from '../network/errors.ts'
import { VolumeNotFound } from '../volumes/errors.ts'
import type { Engine } from './engine.ts'

export type ObjectType = 'container' | 'image' | 'network' | 'volume'

const TYPES: readonly string[] = ['container', 'image', 'network', 'volume']

export class NoSuchObject extends CoracleError {
  override readonly code = 'NO_SUCH_OBJECT'
  override readonly status = 404
  constructor(name: string, type: string | undefined) {
    super(`No such ${type ?? 'object'}: ${name}`, { hint: 'see coracle ps -a and coracle images' })
  }
}

export interface InspectOptions {
  /** Only this kind; docker's words. */
  readonly type?: string | undefined
  /** Sizes of a container's files as well. */
  readonly size: boolean
}

/**
 * docker's document.
 *
 * @throws {NoSuchObject} @throws {AmbiguousContainer} @throws {InvalidArgument} there is no such type
 */
export async function inspectObject(
  { containers, images, networks, volumes }: Pick<Engine, 'containers' | 'images' | 'networks' | 'volumes'>,
  name: string,
  { type, size }: InspectOptions,
): Promise<object> {
  if (type !== undefined && !TYPES.includes(type))
    throw new InvalidArgument(`${JSON.stringify(type)} is not a valid value for --type`, {
      hint: `valid types are ${TYPES.join(', ')}`,
    })
  const wants = (kind: ObjectType) => type === undefined || type === kind
  const found =
    (wants('container') && (await unlessMissing(containers.inspect(name, { size })))) ||
    (wants('image') && (await unlessMissing(images.inspect(name)))) ||
    (wants('network') && (await unlessMissing(networks.inspect(name)))) ||
    (wants('volume') && (await unlessMissing(volumes.inspect(name))))
  if (!found) throw new NoSuchObject(name, type)
  return found
}

async function unlessMissing(inspected: Promise<object>): Promise<object | undefined> {
  try {
    return await inspected
  } catch (error) {
    // What cannot be a name of an image is not one.
    if (error instanceof ContainerNotFound || error instanceof ImageNotFound || error instanceof VolumeNotFound)
      return undefined
    if (error instanceof NetworkNotFound) return undefined
    if (error instanceof InvalidArgument) return undefined
    throw error
  }
}
