/** Makes `dist/`, the oclif manifest, and the native program. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { bundle } from './bundle.ts'

const root = join(import.meta.dirname, '..')
process.chdir(root)

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

await bundle(root)
run('node', 'scripts/manifest.ts')
run('sh', 'scripts/build-native.sh')
