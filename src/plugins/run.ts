/** Runs an installed command. */
import type { Paths } from '../paths.ts'
import { answerCall, checkGranted, type EngineCalls } from './engine-calls.ts'
import type { Outlet } from './engine-runs.ts'
import { CONTRACT_VERSION, type Values } from './plugin.ts'
import { runConfined } from './process.ts'
import type { RunParameters } from './run-parameters.ts'
import { type InstalledPlugin, readPluginCode } from './store.ts'

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

export interface RunOptions {
  readonly typed: Typed
  /** Opened with the first call. */
  readonly engine: () => Promise<PluginHost>
  /** That the plugin fits this version of the contract. */
  readonly remember: (contract: string) => Promise<void>
}

/**
 * @returns its exit status
 * @throws {PluginBroken} its file is not what was installed @throws {ContractMismatch} Coracle changed meanwhile
 */
export async function runPlugin(
  paths: Paths,
  plugin: InstalledPlugin,
  { typed, engine, remember }: RunOptions,
): Promise<number> {
  const { name, language, granted } = plugin
  const source = readPluginCode(paths, plugin).toString('base64')
  if (plugin.contractChecked !== CONTRACT_VERSION) await checkAgain(plugin, remember)
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

async function checkAgain({ name, declaration }: InstalledPlugin, remember: RunOptions['remember']): Promise<void> {
  const { checkContract } = await import('./contract-version.ts')
  checkContract(name, declaration.contract)
  await remember(CONTRACT_VERSION)
}
