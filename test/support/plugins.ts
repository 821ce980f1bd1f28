/** Single-file commands for tests. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cli } from './cli.ts'

export interface PluginParts {
  /** Lines in front of the declaration. */
  readonly head?: string
  readonly permissions?: readonly string[]
  readonly summary?: string
  readonly contract?: string
  /** More of the declaration, as source text. */
  readonly more?: string
}

/** Source of a command whose `run` has that body; `context` is what it is given. */
export function pluginSource(body: string, parts: PluginParts = {}): string {
  const { head = '', permissions = [], summary = 'A test', contract = '^1.0.0', more = '' } = parts
  return `${head}
export default {
  contract: ${JSON.stringify(contract)},
  summary: ${JSON.stringify(summary)},
  permissions: ${JSON.stringify(permissions)},
  ${more}
  async run(context) { ${body} },
}
`
}

/** Writes the file into the CLI's directory. @returns its path */
export function writePlugin(cli: Cli, name: string, source: string | Buffer): string {
  const path = join(cli.directory, name)
  writeFileSync(path, source)
  return path
}

/** Installs a command with whatever it asks for. */
export function addPlugin(cli: Cli, name: string, source: string | Buffer): void {
  cli.output('plugins', 'add', '--allow-all', writePlugin(cli, name, source))
}

/** Source of a command that says that. */
export function sayingSource(said: string, permissions: readonly string[] = []): string {
  return pluginSource(`context.print(${JSON.stringify(said)})`, { permissions, summary: `Say ${said}` })
}

/** Names of what is installed, and whatever else lies there. */
export function installedPlugins(cli: Cli): string[] {
  const path = join(cli.directory, 'root/plugins')
  return existsSync(path) ? readdirSync(path) : []
}
