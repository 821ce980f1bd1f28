/** `npm run bench -- NAME…`: runs the named benchmarks, or all of them. */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const HELPERS = ['main', 'harness', 'peers', 'images', 'own-network', 'network-parts']
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => !HELPERS.includes(name))
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known
for (const name of wanted) {
  if (!known.includes(name)) throw new Error(`no benchmark ${name}; there are ${known.join(', ')}`)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
