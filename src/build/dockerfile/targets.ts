/** What a Dockerfile says of its stages, for `--call=targets`. */
import type { Dockerfile } from './types.ts'

export interface Target {
  readonly name: string | undefined
  /** Built when nobody names one. */
  readonly isDefault: boolean
  /** The comment above that begins with the name. */
  readonly description: string
  /** As written. */
  readonly base: string
  readonly platform: string | undefined
}

export function listTargets({ stages }: Dockerfile): readonly Target[] {
  return stages.map(({ name, from, index }) => ({
    name,
    isDefault: index === stages.length - 1,
    description: describeName(name, from.comments),
    base: from.base,
    platform: from.platform,
  }))
}

/** The rest of the comment line that begins with the name. */
export function describeName(name: string | undefined, comments: readonly string[]): string {
  const comment = comments.find((line) => name !== undefined && line.startsWith(`${name} `))
  return comment?.slice((name?.length ?? 0) + 1) ?? ''
}
