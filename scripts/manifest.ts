/** Writes `oclif.manifest.json`: what the commands in `dist/` declare, as oclif reads them. `--check` only compares. */
import { readFileSync, writeFileSync } from 'node:fs'
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
const text = `${JSON.stringify(plugin.manifest, null, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(path, text)
} else if (readFileSync(path, 'utf8') !== text) {
  console.error('oclif.manifest.json is out of date: run `npm run build` and commit it')
  process.exitCode = 1
}
