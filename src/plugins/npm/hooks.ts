/** oclif's hooks of npm plugins, for Coracle's own commands. A hook that fails or hangs is told of, and changes nothing else. */
import { existsSync, readFileSync } from 'node:fs'
import { npmHooksPath, type Paths } from '../../paths.ts'
import { quieten } from './commands.ts'
import { oneLine } from './describe.ts'

export const HOOK_EVENTS = ['init', 'prerun', 'postrun', 'command_not_found'] as const
export type HookEvent = (typeof HOOK_EVENTS)[number]

interface Hooked {
  readonly name: string
  readonly root: string
  readonly hooks: readonly string[]
}

const TIMEOUT_MS = 5000

/** Asked before each command: one look at the disk, where there are none. */
export function hasHooks(paths: Paths): boolean {
  return existsSync(npmHooksPath(paths))
}

/** @returns what went wrong, a line each */
export async function runHooks(paths: Paths, event: HookEvent, words: object): Promise<readonly string[]> {
  const hooked = JSON.parse(readFileSync(npmHooksPath(paths), 'utf8')) as readonly Hooked[]
  const faults: string[] = []
  for (const { name, root } of hooked.filter(({ hooks }) => hooks.includes(event))) {
    try {
      quieten()
      const { Config } = await import('@oclif/core/config')
      const config = await Config.load({ root, userPlugins: false, devPlugins: false })
      config.bin = 'coracle'
      const { failures } = await config.runHook(event as 'init', words as never, TIMEOUT_MS, true)
      faults.push(...failures.map(({ error }) => `the hook ${event} of ${name} failed: ${oneLine(error.message)}`))
    } catch (error) {
      faults.push(`the hook ${event} of ${name} cannot be loaded: ${oneLine(String(error))}`)
    }
  }
  return faults
}
