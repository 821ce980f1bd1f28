/** What a program is not to see, or not to change, of its own tree: files of the kernel, and what the user denies. */
import { dirname } from 'node:path'
import type { RuntimeSpec } from '../../plugins/contract.ts'
import type { ChildStep } from '../plan.ts'

export function hideSteps(spec: RuntimeSpec): ChildStep[] {
  const { readonlyPaths = [], maskedPaths = [] } = spec.linux ?? {}
  return [
    ...holdSteps(spec),
    ...readonlyPaths.map((target): ChildStep => ({ do: 'read-only', target })),
    ...maskedPaths.map((target): ChildStep => ({ do: 'mask', target })),
  ]
}

/** For modules: of the kernel they see no files, and what is denied answers EACCES. */
export function denySteps(spec: RuntimeSpec): ChildStep[] {
  const { readonlyPaths = [], maskedPaths = [] } = spec.linux ?? {}
  return [
    ...holdSteps(spec),
    ...readonlyPaths.filter(isDenied).map((target): ChildStep => ({ do: 'read-only', target })),
    ...maskedPaths.filter(isDenied).map((target): ChildStep => ({ do: 'mask', target, closed: true })),
  ]
}

/**
 * A path is denied by its name. A program that may rename a directory above it would find it under another one, free, when the
 * container starts again. Outer directories come first, so that each takes the mounts below it along only once.
 */
function holdSteps({ mounts = [], linux: { readonlyPaths = [], maskedPaths = [] } = {} }: RuntimeSpec): ChildStep[] {
  const held = new Set([...readonlyPaths, ...maskedPaths].filter(isDenied).flatMap(directoriesAbove))
  for (const { destination } of mounts) held.delete(destination)
  return [...held].toSorted((one, other) => one.length - other.length).map((target) => ({ do: 'hold', target }))
}

const isDenied = (path: string): boolean => !/^\/(?:proc|sys)(?:\/|$)/.test(path)

/** Without the root, which nobody renames. */
function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' || parent === path || parent === '.' ? [] : [parent, ...directoriesAbove(parent)]
}
