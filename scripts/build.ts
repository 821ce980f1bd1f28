/**
 * Makes `dist/` (bundled JavaScript, no TypeScript needed to run it), the oclif manifest, and the native program.
 *
 * Bundled, because a command that reads hundreds of small files, oclif's among them, starts in twice the time.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
process.chdir(root)

/** Everything that is started by its path is an entry and keeps its place: the program, commands, `*.entry.ts`. */
async function bundle(): Promise<void> {
  const entries = ['src/main.ts', ...globSync('src/commands/**/*.ts'), ...globSync('src/**/*.entry.ts')]
  // Beside, then exchanged: commands may be starting from the old one.
  const [fresh, old] = [`dist.new-${process.pid}`, `dist.old-${process.pid}`]
  const build = await rolldown({
    input: Object.fromEntries(entries.map((path) => [path.slice('src/'.length, -'.ts'.length), path])),
    platform: 'node',
    external: ['@wasmer/wasi', /^node:/],
    plugins: [lazyRequire, lazyBuiltins],
  })
  await build.write({
    dir: fresh,
    format: 'cjs', // for 60 files Node's loader of modules takes 10 ms longer than `require`
    exports: 'named',
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  })
  await build.close()
  writeFileSync(join(fresh, 'package.json'), '{ "type": "commonjs" }\n')
  if (existsSync('dist')) renameSync('dist', old)
  renameSync(fresh, 'dist')
  rmSync(old, { recursive: true, force: true })
}

/**
 * oclif's modules load each other, and parts of Node, for features that few commands use; that is half of our start-up
 * time. Here each is loaded when something of it is first asked for.
 */
const lazyRequire: Plugin = {
  name: 'lazy-require',
  transform: {
    filter: { id: /node_modules\/@oclif\/core\/lib\/.*\.js$/ },
    handler: (code) => {
      const top = /^const (\w+) = ((?:__importStar|__importDefault)\(require\("[^"]+"\)\)|require\("[^"]+"\));$/gm
      return LAZILY + code.replace(top, 'const $1 = lazily(() => $2);')
    },
  },
}
/** The same for parts of Node itself: `node:crypto` alone takes 5 ms to load. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  renderChunk: (code) => {
    const top = /^(?:let|const|var) (\w+) = require\("(node:[^"]+)"\);$/gm
    const lazy = code.replace(top, (whole, name: string, module: string) =>
      // What is imported as a whole is made into another object next, which a stand-in cannot be.
      code.includes(`\n${name} = `) ? whole : `const ${name} = lazily(() => require("${module}"));`,
    )
    return lazy === code ? code : LAZILY + lazy
  },
}
const LAZILY = `const lazily = (load) => {
  let module; const get = () => (module ??= load());
  return new Proxy({}, { get: (_, name) => get()[name], has: (_, name) => name in get() });
};
`

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

await bundle()
run('node', 'scripts/manifest.ts')
run('sh', 'scripts/build-native.sh')
