/** What the completion of shells has to know: commands, those of plugins too, and names of what there is. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { familiarName, parseReference } from '../oci/reference.ts'
import { packageRoot } from '../package-root.ts'
import { pluginsDirectory, readPaths, statePath } from '../paths.ts'
import { listPlugins } from '../plugins/store.ts'
import type { CompletedCommand, NameKind } from '../ui/complete.ts'
import type { Engine } from './engine.ts'

export function completableCommands(): Record<string, CompletedCommand> {
  const text = readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')
  const { commands } = JSON.parse(text) as { commands: Record<string, CompletedCommand> }
  const paths = readPaths()
  const plugins = existsSync(pluginsDirectory(paths)) ? listPlugins(paths).plugins : []
  return {
    ...Object.fromEntries(plugins.map(({ name, declaration }) => [name, { ...declaration, id: name }])),
    ...commands,
  }
}

/** Nothing is opened, and no data root made, where there is none. */
export async function namesOf(kind: NameKind, open: () => Promise<Engine>): Promise<readonly string[]> {
  const paths = readPaths()
  if (kind === 'plugin')
    return existsSync(pluginsDirectory(paths)) ? listPlugins(paths).plugins.map(({ name }) => name) : []
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
