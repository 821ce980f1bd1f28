/** How much a build may bring from one place elsewhere: whoever is there decides what comes. */
import { parseSize } from '../../containers/parse/values.ts'
import { InvalidArgument } from '../../errors.ts'
import { measureFiles } from '../../linux/measure-files.ts'
import { binarySize } from '../../ui/units.ts'
import { SourceFailed } from '../errors.ts'

const SETTING = 'CORACLE_BUILD_SOURCE_LIMIT'
const DEFAULT_BYTES = 64 * 2 ** 30

/** @throws {InvalidArgument} the user's own limit is no size */
export function sourceLimit(env: NodeJS.ProcessEnv = process.env): number {
  const text = env[SETTING]
  if (text === undefined || text === '') return DEFAULT_BYTES
  try {
    return parseSize(text, SETTING)
  } catch (cause) {
    throw new InvalidArgument(`${SETTING}=${text} is no size`, { cause, hint: 'write 64g, 512m or bytes' })
  }
}

/** @param what - is too large */
export function tooLarge(what: string, limitBytes: number): SourceFailed {
  return new SourceFailed(`${what} is larger than ${binarySize(limitBytes)}`, {
    hint: `if that is meant, say how large it may be: ${SETTING}=SIZE`,
  })
}

export interface Limited {
  /** For people. */
  readonly what: string
  readonly signal: AbortSignal
}

/** A look costs a walk: where that takes long, the next one waits longer. */
const LOOK_MS = 1000
const REST = 10

/**
 * Work that fills a directory, cut short where it becomes too much.
 *
 * @param work - is to end when its signal says so
 * @returns bytes of the files
 * @throws {SourceFailed}
 */
export async function withinLimit(
  directory: string,
  { what, signal }: Limited,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const limitBytes = sourceLimit()
  const abort = new AbortController()
  let isDone = false
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    const began = Date.now()
    if ((await measureFiles(directory)) > limitBytes) abort.abort(tooLarge(what, limitBytes))
    else if (!isDone) later(Math.max(LOOK_MS, REST * (Date.now() - began)))
  }
  const later = (delayMs: number) => {
    timer = setTimeout(() => look().catch((error: unknown) => abort.abort(error)), delayMs)
  }
  later(LOOK_MS)
  try {
    await work(AbortSignal.any([signal, abort.signal]))
  } finally {
    isDone = true
    clearTimeout(timer)
  }
  const sizeBytes = await measureFiles(directory)
  if (sizeBytes > limitBytes) throw tooLarge(what, limitBytes)
  return sizeBytes
}
