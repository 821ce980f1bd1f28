/** What the completion of shells has to know: commands, those of plugins too, and names of what there is. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { familiarName, parseReference } from '../oci/reference.ts'
import { packageRoot } from '../package-root.ts'
import { type Paths, pluginsDirectory, readPaths, statePath } from '../paths.ts'
import { allCommands, readPlugins } from '../plugins/npm/commands.ts'
import { PluginIndexBroken } from '../plugins/npm/errors.ts'
import type { IndexedPlugin } from '../plugins/npm/index-file.ts'
import { type InstalledPlugin, listPlugins } from '../plugins/store.ts'
import type { CompletedCommand, NameKind } from '../ui/complete.ts'
import type { Engine } from './engine.ts'

export function completableCommands(): Record<string, CompletedCommand> {
  const text = readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')
  const { commands } = JSON.parse(text) as { commands: Record<string, CompletedCommand> }
  const paths = readPaths()
  const files = singleFiles().map(({ name, declaration }) => [name, { ...declaration, id: name }] as const)
  const packages = allCommands(packagesOf(paths)).map((command) => [command.id, command] as const)
  return { ...Object.fromEntries([...files, ...packages]), ...commands }
}

/** Nothing is opened, and no data root made, where there is none. */
export async function namesOf(kind: NameKind, open: () => Promise<Engine>): Promise<readonly string[]> {
  const paths = readPaths()
  if (kind === 'plugin') return [...singleFiles(), ...packagesOf(paths)].map(({ name }) => name)
  if (!existsSync(statePath(paths))) return []
  const { containers, images, networks, volumes } = await open()
  switch (kind) {
    case 'container':
      return (await containers.list({ all: true })).map(({ name }) => name)
    case 'image':
      return (await images.list()).flatMap(({ tags }) => tags.map((tag) => familiarName(parseReference(tag))))
    case 'network':
      return (await networks.list([])).map(({ name }) => name)
    case 'volume':
      return (await volumes.list()).map(({ Name }) => Name)
    default:
      return kind satisfies never
  }
}

function singleFiles(): readonly InstalledPlugin[] {
  const paths = readPaths()
  return existsSync(pluginsDirectory(paths)) ? listPlugins(paths).plugins : []
}

/** What is wrong with their list, other commands tell: at the press of a key there is no place for it. */
function packagesOf(paths: Paths): readonly IndexedPlugin[] {
  try {
    return readPlugins(paths)
  } catch (error) {
    if (error instanceof PluginIndexBroken) return []
    throw error
  }
}
