/** Runs an installed command. */
import type { Paths } from '../paths.ts'
import { answerCall, checkGranted, type EngineCalls } from './engine-calls.ts'
import type { Outlet } from './engine-runs.ts'
import { CONTRACT_VERSION, type Values } from './plugin.ts'
import { runConfined } from './process.ts'
import type { RunParameters } from './run-parameters.ts'
import { type InstalledPlugin, readPluginCode, replacePlugin } from './store.ts'

/** What was typed behind the name of the command. */
export interface Typed {
  readonly args: Values
  readonly flags: Values
  readonly words: readonly string[]
}

/** The engine as plugins get at it. */
export interface PluginHost {
  readonly calls: EngineCalls
  readonly run: (parameters: RunParameters, setting: RunSetting) => Promise<number>
}

export interface RunSetting extends Outlet {
  /** Of the plugin, which its containers are named after. */
  readonly plugin: string
  /** Whether they may have a network, and be pulled for. */
  readonly network: boolean
}

/**
 * @param engine - opened with the first call
 * @returns its exit status
 * @throws {PluginBroken} its file is not what was installed @throws {ContractMismatch} Coracle changed meanwhile
 */
export async function runPlugin(
  paths: Paths,
  plugin: InstalledPlugin,
  { typed, engine }: { readonly typed: Typed; readonly engine: () => Promise<PluginHost> },
): Promise<number> {
  const { name, language, granted } = plugin
  const source = readPluginCode(paths, plugin).toString('base64')
  await checkAgain(paths, plugin)
  const network = granted.includes('net')
  return runConfined(
    { name, source, ...typed },
    { language, granted },
    {
      check: (method) => checkGranted(method, granted),
      answer: async (method, parameter) => answerCall((await engine()).calls, method, parameter),
      run: async (parameters, outlet) => (await engine()).run(parameters, { ...outlet, plugin: name, network }),
    },
  )
}

async function checkAgain(paths: Paths, plugin: InstalledPlugin): Promise<void> {
  if (plugin.contractChecked === CONTRACT_VERSION) return
  const { checkContract } = await import('./contract-version.ts')
  checkContract(plugin.name, plugin.declaration.contract)
  replacePlugin(paths, { ...plugin, contractChecked: CONTRACT_VERSION })
}
