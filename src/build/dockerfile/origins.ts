/** What stands behind the name in `FROM name` and `--from=name`. */
import { InvalidArgument } from '../../errors.ts'
import { familiarName, parseReference, withDefaultTag } from '../../oci/reference.ts'
import { DockerfileInvalid } from './errors.ts'
import type { Stage } from './types.ts'

/** Where files come from. */
export type Origin =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  /** A `--build-context`, under the name it was given. */
  | { readonly kind: 'context'; readonly name: string }
  | { readonly kind: 'image'; readonly reference: string }

export interface Names {
  readonly stages: readonly Stage[]
  /** Indices of the stages of a name, in their order. */
  readonly byName: ReadonlyMap<string, readonly number[]>
  /** `--build-context`s by their normal name. */
  readonly contexts: ReadonlyMap<string, string>
}

/** @param contexts - names of `--build-context` */
export function collectNames(stages: readonly Stage[], contexts: readonly string[]): Names {
  const byName = Map.groupBy(
    stages.filter(({ name }) => name !== undefined),
    ({ name }) => name ?? '',
  )
  return {
    stages,
    byName: new Map([...byName].map(([name, same]) => [name, same.map(({ index }) => index)])),
    contexts: new Map(contexts.map((name) => [normalName(name), name])),
  }
}

/**
 * The base of a stage: a stage before it, a named context, or an image.
 *
 * @param name - expanded
 * @throws {DockerfileInvalid} it is no image reference
 */
export function baseOf(name: string, before: number, names: Names): Origin {
  if (name === 'scratch') return { kind: 'scratch' }
  const index = lastBefore(names.byName.get(name.toLowerCase()), before)
  return index === undefined ? contextOrImage(name, names) : { kind: 'stage', index }
}

/**
 * What `COPY --from` or a mount's `from` names. Of two stages with one name the last one before this counts.
 *
 * @param options - `numbers`: stages may be meant by their number
 * @throws {DockerfileInvalid} no such number, no image reference
 */
export function sourceOf(
  name: string,
  before: number,
  { names, numbers }: { readonly names: Names; readonly numbers: boolean },
): Origin {
  if (numbers && /^[+-]?\d+$/.test(name)) {
    const index = Number(name)
    if (names.stages[index] !== undefined) return { kind: 'stage', index }
    throw new DockerfileInvalid(`invalid stage index ${name.slice(0, 40)}`, {
      near: name,
      hint: `there are ${names.stages.length} stages, and the first is 0`,
    })
  }
  if (name.toLowerCase() === 'scratch') return { kind: 'scratch' }
  const same = names.byName.get(name.toLowerCase())
  const index = lastBefore(same, before) ?? same?.at(-1)
  return index === undefined ? contextOrImage(name, names) : { kind: 'stage', index }
}

/** By halves: somebody may give all their stages one name. @param indices - ascending */
function lastBefore(indices: readonly number[] = [], before: number): number | undefined {
  let [low, high] = [0, indices.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((indices[middle] ?? 0) < before) low = middle + 1
    else high = middle
  }
  return indices[low - 1]
}

/** The context that stands for a stage of this name. */
export function contextFor(stageName: string | undefined, { contexts }: Names): string | undefined {
  return stageName === undefined || isReserved(stageName) ? undefined : contexts.get(stageName)
}

function contextOrImage(name: string, { contexts }: Names): Origin {
  const context = isReserved(name) ? undefined : contexts.get(normalName(name))
  if (context !== undefined) return { kind: 'context', name: context }
  try {
    parseReference(name)
  } catch (error) {
    if (!(error instanceof InvalidArgument)) throw error
    throw new DockerfileInvalid(`failed to parse stage name ${JSON.stringify(name.slice(0, 200))}: ${error.message}`, {
      cause: error,
      hint: error.hint,
      near: name,
    })
  }
  return { kind: 'image', reference: name }
}

function isReserved(name: string): boolean {
  return /^(?:scratch|context)$/i.test(name)
}

/** `docker.io/library/alpine:latest` and `alpine` are one name. */
function normalName(name: string): string {
  try {
    return familiarName(withDefaultTag(parseReference(name))).replace(/:latest$/, '')
  } catch (error) {
    if (error instanceof InvalidArgument) return name.toLowerCase()
    throw error
  }
}
