/** A command's module by its id. The build puts a table of all commands in this file's place (scripts/bundle-plugins.ts). */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Config } from '@oclif/core/config'
import { packageRoot } from './package-root.ts'

export type CommandClass = { id: string } & (new (argv: string[], config: Config) => { _run(): Promise<unknown> })

const pathOf = (id: string): string => `${packageRoot}/src/commands/${id.replaceAll(':', '/')}.ts`

/** Is there a command of that very id, and none below it? For all else, aliases among it, see the manifest. */
export function isLoneCommand(id: string): boolean {
  const path = pathOf(id)
  return /^[a-z-]+$/.test(id) && existsSync(path) && !existsSync(path.slice(0, -'.ts'.length))
}

/** @param id - of oclif's manifest: `image:ls` */
export async function loadCommand(id: string): Promise<CommandClass> {
  const { default: Class } = (await import(pathToFileURL(pathOf(id)).href)) as { default: CommandClass }
  return Class
}
