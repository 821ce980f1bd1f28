/** Writes `oclif.manifest.json`: what the commands in `dist/` declare, as oclif reads them. `--check` only compares. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Plugin } from '@oclif/core'

const root = join(import.meta.dirname, '..')
const path = join(root, 'oclif.manifest.json')

const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
})
await plugin.load()
// In the order of their names: directories are read in another order on every host.
const commands = Object.fromEntries(
  Object.entries(plugin.manifest.commands).sort(([left], [right]) => (left < right ? -1 : 1)),
)
const text = `${JSON.stringify({ ...plugin.manifest, commands }, null, 2)}\n`

const current = existsSync(path) && readFileSync(path, 'utf8') === text
if (!current && !process.argv.includes('--check')) {
  // Beside, then renamed: commands may be reading the old one.
  writeFileSync(`${path}.${process.pid}`, text)
  renameSync(`${path}.${process.pid}`, path)
} else if (!current) {
  console.error('oclif.manifest.json is out of date: run `npm run build` and commit it')
  process.exitCode = 1
}
