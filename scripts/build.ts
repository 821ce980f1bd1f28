/**
 * Makes `dist/` (bundled JavaScript, no TypeScript needed to run it), the oclif manifest, and the native program.
 *
 * Bundled, because a command that reads hundreds of small files, oclif's among them, starts in twice the time.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
process.chdir(root)

await bundle()
run('node', 'scripts/manifest.ts')
run('sh', 'scripts/build-native.sh')

/** Everything that is started by its path is an entry and keeps its place: the program, commands, `*.entry.ts`. */
async function bundle(): Promise<void> {
  const entries = ['src/main.ts', ...globSync('src/commands/**/*.ts'), ...globSync('src/**/*.entry.ts')]
  // Beside, then exchanged: commands may be starting from the old one.
  const [fresh, old] = [`dist.new-${process.pid}`, `dist.old-${process.pid}`]
  const build = await rolldown({
    input: Object.fromEntries(entries.map((path) => [path.slice('src/'.length, -'.ts'.length), path])),
    platform: 'node',
    external: ['@wasmer/wasi', /^node:/],
  })
  await build.write({
    dir: fresh,
    format: 'esm',
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  })
  await build.close()
  if (existsSync('dist')) renameSync('dist', old)
  renameSync(fresh, 'dist')
  rmSync(old, { recursive: true, force: true })
}

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
