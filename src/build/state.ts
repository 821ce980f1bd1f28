/** What a stage has come to: its layers, and the config of the image it would make. */
import type { StackedLayer } from '../images/building.ts'
import type { HistoryEntry, ImageConfig, ImageProcessConfig, Platform } from '../oci/descriptor.ts'
import { DEFAULT_PATH } from './defaults.ts'
import { DockerfileInvalid } from './dockerfile/errors.ts'
import type { StageScope } from './dockerfile/scope.ts'

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

export interface StageState {
  layers: readonly StackedLayer[]
  config: Mutable<ImageProcessConfig>
  /** Records of the config that no other stage has. */
  readonly own: WeakSet<object>
  readonly history: HistoryEntry[]
  author: string | undefined
  /** Of the last layer: what comes after it without one has its time. */
  createdAtMs: number
  readonly platform: Platform
  readonly scope: StageScope
  /** CMD was given here: an ENTRYPOINT does not clear it. */
  hasCommand: boolean
}

export const COMMENT = 'buildkit.dockerfile.v0'

export interface HistoryOptions {
  readonly createdBy: string
  readonly hasLayer: boolean
}

/** No store takes configs with more. */
const MAX_HISTORY = 10_000

/** @throws {DockerfileInvalid} there are more instructions than an image can tell of */
export function addHistory(state: StageState, { createdBy, hasLayer }: HistoryOptions): void {
  if (state.history.length === MAX_HISTORY)
    throw new DockerfileInvalid(`an image of more than ${MAX_HISTORY} instructions`)
  state.history.push({
    created: new Date(state.createdAtMs).toISOString(),
    created_by: createdBy,
    comment: COMMENT,
    ...(!hasLayer && { empty_layer: true }),
  })
}

/** The environment of the config with a variable set: in its old place where it has one. */
export function setVariable(env: readonly string[], name: string, value: string): readonly string[] {
  const entry = `${name}=${value}`
  const isSame = (one: string) => one.startsWith(`${name}=`) || one === name
  return env.some(isSame) ? env.map((one) => (isSame(one) ? entry : one)) : [...env, entry]
}

/** A config to begin with: of a base image, or of nothing. */
export function beginConfig(base: ImageConfig | undefined): Mutable<ImageProcessConfig> {
  const { OnBuild: _triggers, ...config } = base?.config ?? { WorkingDir: '/' }
  const env = config.Env ?? []
  return env.some((one) => one.startsWith('PATH='))
    ? { ...config }
    : { ...config, Env: setVariable(env, 'PATH', DEFAULT_PATH) }
}

/** The document of the image. */
export function imageConfig(state: StageState): ImageConfig {
  const { config, author, layers, platform, history } = state
  return {
    created: new Date(state.createdAtMs).toISOString(),
    ...(author !== undefined && { author }),
    architecture: platform.architecture,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    os: platform.os,
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffID }) => diffID) },
    history,
  }
}
