/** SOURCE_DATE_EPOCH that is no number yet: the Dockerfile says it, or it is the time of the context. */
import type { OpenedContext } from './context/open.ts'
import { globalArguments } from './dockerfile/arguments.ts'
import { parseDockerfile } from './dockerfile/parse.ts'
import type { StageSettings } from './dockerfile/stages.ts'
import { OF_CONTEXT, parseEpoch } from './parse-request.ts'
import type { Settings } from './settings.ts'

const NAME = 'SOURCE_DATE_EPOCH'

export interface EpochOptions {
  readonly context: OpenedContext
  /** What the Dockerfile's own arguments may ask for. */
  readonly platforms: Pick<StageSettings, 'targetPlatform' | 'buildPlatform'>
}

/**
 * What was given counts, then a global ARG of the Dockerfile (docs/build-repro.md of BuildKit). A context that has no time
 * leaves it empty.
 *
 * @throws {InvalidArgument} @throws {DockerfileInvalid}
 */
export async function withEpoch(settings: Settings, { context, platforms }: EpochOptions): Promise<Settings> {
  const { buildArgs } = settings
  const text = buildArgs.get(NAME) ?? defaultIn(context, { ...platforms, buildArgs })
  if (text === undefined || (text !== OF_CONTEXT && buildArgs.has(NAME))) return settings
  const epoch = text === OF_CONTEXT ? usable(await context.timeSeconds?.()) : parseEpoch(text)
  return { ...settings, epoch, buildArgs: new Map([...buildArgs, [NAME, epoch === undefined ? '' : `${epoch}`]]) }
}

/** Whoever makes a context writes any number there: images tell years of four digits. */
function usable(seconds: number | undefined): number | undefined {
  const text = `${seconds}`
  return /^\d{1,11}$/.test(text) ? parseEpoch(text) : undefined
}

/** Files that do not even have the word are read once, when the build begins. */
function defaultIn(
  { dockerfile, name }: OpenedContext,
  settings: Pick<StageSettings, 'targetPlatform' | 'buildPlatform' | 'buildArgs'>,
): string | undefined {
  if (!Buffer.from(dockerfile).includes(NAME)) return undefined
  return globalArguments(parseDockerfile(dockerfile, name), settings).get(NAME)
}
