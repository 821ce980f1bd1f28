/** First words that no plugin may have. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../package-root.ts'

/** Commands, their other names and their topics: whatever the first word can be. */
export function reservedNames(): ReadonlySet<string> {
  const text = readFileSync(join(packageRoot, 'oclif.manifest.json'), 'utf8')
  const { commands } = JSON.parse(text) as { commands: Record<string, { aliases?: string[] }> }
  const ids = Object.entries(commands).flatMap(([id, { aliases = [] }]) => [id, ...aliases])
  // Not there yet, and nobody shall come to rely on them.
  const planned = ['help', 'build', 'buildx', 'compose', 'serve', 'search', 'context', 'wasm', 'plugin', 'autocomplete']
  return new Set([...ids.map((id) => id.split(':')[0] ?? id), ...planned])
}
