/** oclif's hooks of npm plugins, for Coracle's own commands. A hook that fails or hangs is told of, and changes nothing else. */
import type { Paths } from '../../paths.ts'
import { quieten } from './commands.ts'
import { checkPlugin, oneLine } from './describe.ts'
import { PluginIndexBroken } from './errors.ts'
import { type HookedPlugin, readHooked } from './index-file.ts'

export const HOOK_EVENTS = ['init', 'prerun', 'postrun', 'command_not_found'] as const
export type HookEvent = (typeof HOOK_EVENTS)[number]

const TIMEOUT_MS = 5000

/** @returns what went wrong, a line each */
export async function runHooks(paths: Paths, event: HookEvent, words: object): Promise<readonly string[]> {
  const faults: string[] = []
  for (const { name, root, contract } of hookedPlugins(paths, faults).filter(({ hooks }) => hooks.includes(event))) {
    try {
      checkPlugin({ name, contract })
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

/** A list that cannot be read is told of like a hook that fails: the command goes on. */
function hookedPlugins(paths: Paths, faults: string[]): readonly HookedPlugin[] {
  try {
    return readHooked(paths)
  } catch (error) {
    if (!(error instanceof PluginIndexBroken)) throw error
    faults.push(`${error.message}: ${error.hint ?? ''}`)
    return []
  }
}
