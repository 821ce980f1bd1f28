/**
 * Looks at an npm plugin in a process of its own, which may read files and nothing else: which commands and hooks it has,
 * and whether what it brings can be loaded at all. Installing a plugin runs none of its code with the user's rights.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Config } from '@oclif/core/config'
import type { DescribeRequest, Description } from './describe.ts'
import { resolveContract } from './resolve-contract.ts'

/** What a plugin may do later but not here is no fault of it. */
const DENIED = new Set(['ERR_ACCESS_DENIED', 'ERR_DLOPEN_DISABLED', 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'])

const faults = new Set<string>()
void main(JSON.parse(process.argv[2] ?? '') as DescribeRequest)

async function main({ root, modules, contract }: DescribeRequest): Promise<void> {
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (!DENIED.has((warning as NodeJS.ErrnoException).code ?? '')) faults.add(warning.message)
  })
  resolveContract(contract)
  let config: Config | undefined
  try {
    config = await Config.load({ root, userPlugins: false, devPlugins: false })
  } catch (error) {
    faults.add(String(error))
  }
  for (const file of modules) await tryModule(root, file)
  const described: Description = { ...describe(config), faults: [...faults] }
  writeSync(3, JSON.stringify(described))
  process.exit()
}

function describe(config: Config | undefined): Omit<Description, 'faults'> {
  const others = new Set((config?.commands ?? []).flatMap(({ aliases = [] }) => aliases)) // oclif lists them as commands
  const own = (config?.commands ?? []).filter(({ id }) => !others.has(id))
  const commands = own.map(({ id, summary = '', description = '', aliases = [], hidden }) => ({
    id,
    summary: summary === '' ? description : summary,
    aliases,
    hidden: hidden === true,
  }))
  const known = new Set([...others, ...commands.map(({ id }) => id)])
  const broken = [...(config?.plugins.values() ?? [])].flatMap(({ commandIDs }) =>
    commandIDs.filter((id) => !known.has(id)),
  )
  const hooks = [...(config?.plugins.values() ?? [])].flatMap((plugin) => Object.keys(plugin.hooks))
  const topics = Object.fromEntries((config?.topics ?? []).map(({ name, description = '' }) => [name, description]))
  const hidden = broken.map((id) => ({ id, summary: '', aliases: [], hidden: true })) // they say by their name what is wrong
  return { commands: [...commands, ...hidden], hooks: [...new Set(hooks)], topics }
}

async function tryModule(root: string, file: string): Promise<void> {
  try {
    const { default: create } = (await import(pathToFileURL(join(root, file)).href)) as { default?: unknown }
    if (typeof create !== 'function') faults.add(`${file}: its default export is no function`)
  } catch (error) {
    if (!DENIED.has((error as NodeJS.ErrnoException).code ?? '')) faults.add(`${file}: ${String(error)}`)
  }
}
