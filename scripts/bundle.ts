/**
 * `dist/`: JavaScript that needs no TypeScript to run. The program is one file, for two reasons: a command that reads
 * hundreds of small files starts in twice the time, and one file's compiled code can be kept (src/code-cache.ts). In that
 * file each module is a function of its own, called when it is needed.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { type OutputOptions, type Plugin, rolldown } from 'rolldown'
import { isolatedDeclarationSync } from 'rolldown/experimental'
import { RUNNER_FLAGS } from '../src/sandbox/backend.ts'
import {
  commandTable,
  compileLater,
  lazyModules,
  librariesApart,
  libraryEntries,
  libraryEntry,
  PROGRAM,
} from './bundle-plugins.ts'

/** The first process of a module's container, below src/ and dist/. */
const RUNNER = 'sandbox/runner'

/** @param root - of the package */
export async function bundle(root: string): Promise<void> {
  // Beside, then exchanged: commands may be starting from the old one.
  const dist = join(root, 'dist')
  const [fresh, old] = [`${dist}.new-${process.pid}`, `${dist}.old-${process.pid}`]
  const program = await writeProgram(root, fresh)
  await write(fresh, {
    input: { main: join(root, 'src/main.ts') },
    external: ['./cli.ts', /^node:/],
    define: { BUNDLE: JSON.stringify(program) },
  })
  const define = { RUNNER: JSON.stringify(`${basename(RUNNER)}.js`) }
  for (const name of [...namesBelow(root, 'src/**/*.entry.ts'), RUNNER]) {
    const input = { [name]: join(root, `src/${name}.ts`) }
    const external = ['./runner.ts', '@wasmer/wasi', /^@oclif\/core/, /^node:/]
    await write(fresh, { input, define, external, shares: name === RUNNER })
  }
  compileRunner(root, fresh)
  await writeContract(root, fresh)
  await writeTranspiler(root, fresh)
  await writeManager(root, fresh)
  writeFileSync(join(fresh, 'package.json'), '{ "type": "commonjs" }\n')
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(fresh, dist)
  rmSync(old, { recursive: true, force: true })
}

/** With the flags that it is started with: V8 takes its code with no others. */
function compileRunner(root: string, dist: string): void {
  const program = join(dist, `${RUNNER}.js`)
  escapeNonAscii(program)
  execFileSync(process.execPath, [...RUNNER_FLAGS, join(root, 'scripts/compile-runner.ts'), program])
}

/**
 * The part of oclif's plugin manager that calls npm. Its whole package would bring yarn along, the install script of which
 * takes away the user's own when Coracle is installed for all.
 */
async function writeManager(root: string, dist: string): Promise<void> {
  await write(dist, {
    input: { 'npm-manager': join(root, 'node_modules/@oclif/plugin-plugins/lib/plugins.js') },
    external: [/^@oclif\/core/, /^node:/],
    output: { format: 'es', entryFileNames: '[name].mjs', codeSplitting: false },
  })
}

/** `coracle/plugin`, what authors of plugins import; made for them, so it is a module with its comments and types. */
async function writeContract(root: string, dist: string): Promise<void> {
  for (const [name, source] of [
    ['plugin', 'plugins/plugin'],
    ['plugin-testing', 'plugins/testing'],
  ] as const) {
    const input = { [name]: join(root, 'src', `${source}.ts`) }
    await write(dist, { input, output: { format: 'es', entryFileNames: '[name].mjs', minify: false } })
    writeFileSync(join(dist, `${name}.d.mts`), `export * from './types/${source}.mjs'\n`)
    writeTypes(root, dist, source)
  }
}

/** Declarations of a module, and of all whose types it shows. @param name - below src/, without `.ts` */
function writeTypes(root: string, dist: string, name: string): void {
  const target = join(dist, 'types', `${name}.d.mts`)
  if (existsSync(target)) return
  const source = join(root, 'src', `${name}.ts`)
  const { code, errors } = isolatedDeclarationSync(source, readFileSync(source, 'utf8'))
  if (errors.length > 0) throw new Error(`${source}: ${errors[0]?.message}`)
  const shown = /(?<=from ["'])(\.[^"']+)\.ts(?=["'])/g
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, code.replace(shown, '$1.mjs'))
  for (const [, path = ''] of code.matchAll(shown)) writeTypes(root, dist, join(dirname(name), path))
}

/** What turns components into modules: a library and its own WebAssembly, loaded by nothing else. */
async function writeTranspiler(root: string, dist: string): Promise<void> {
  const vendor = join(root, 'node_modules/@bytecodealliance/jco-transpile/vendor')
  const name = 'js-component-bindgen-component'
  const host = join(root, 'src/sandbox/preview2/transpiler-host.ts')
  const nothingOfTheHost: Plugin = {
    name: 'nothing-of-the-host',
    resolveId: (id) => (id.startsWith('@bytecodealliance/preview2-shim/') ? host : undefined),
  }
  await write(join(dist, 'transpiler'), {
    input: { transpiler: join(vendor, `${name}.js`) },
    plugins: [nothingOfTheHost],
    output: { format: 'es', entryFileNames: 'transpiler.mjs' },
  })
  for (const part of ['core', 'core2'])
    copyFileSync(join(vendor, `${name}.${part}.wasm`), join(dist, 'transpiler', `${name}.${part}.wasm`))
  copyFileSync(join(vendor, '../LICENSE'), join(dist, 'transpiler', 'LICENSE'))
}

/** @returns its name */
async function writeProgram(root: string, dist: string): Promise<string> {
  const commands = namesBelow(root, 'src/commands/**/*.ts').map((name) => name.slice('commands/'.length))
  const modules = join(dist, 'modules')
  await write(modules, {
    input: { program: PROGRAM },
    plugins: [commandTable(root, commands)],
    external: /^[^./\0]/,
    output: {
      preserveModules: true,
      preserveModulesRoot: join(root, 'src'),
      entryFileNames: '[name].cjs',
      minify: false,
    },
  })
  const libraries = new Map<string, string>()
  const program = await write(dist, {
    input: { program: join(modules, 'program.cjs') },
    plugins: [librariesApart(libraries), lazyModules(modules), compileLater],
    output: { codeSplitting: false, entryFileNames: '[name]-[hash].js' }, // its compiled code is kept by its name
  })
  escapeNonAscii(join(dist, program))
  await write(dist, {
    input: Object.fromEntries([...libraries].map(([name, path]) => [name, libraryEntry(path)])),
    plugins: [libraryEntries],
    output: { chunkFileNames: 'libraries/[name]-[hash].js' },
  })
  for (const command of commands) writeStub(dist, command, program)
  rmSync(modules, { recursive: true })
  return program
}

/** One byte a character: Node takes that in as it is, where UTF-8 would have to be decoded. */
function escapeNonAscii(path: string): void {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(path, readFileSync(path, 'utf8').replace(/[^\0-\x7f]/g, escaped))
}

/** Without `src/` and `.ts`. */
function namesBelow(root: string, pattern: string): string[] {
  return globSync(pattern, { cwd: root }).map((path) => path.slice('src/'.length, -'.ts'.length))
}

interface Part {
  /** Names of files, and what they are made of. */
  readonly input: Record<string, string>
  readonly plugins?: Plugin[]
  readonly external?: (string | RegExp)[] | RegExp
  readonly define?: Record<string, string>
  readonly output?: OutputOptions
  /** Whether what it has in common with parts that are loaded later is in its own file, not in one more. */
  readonly shares?: boolean
}

/** @returns the name of the first file */
async function write(dir: string, part: Part): Promise<string> {
  const { input, plugins = [], external = /^node:/, define = {}, shares = false } = part
  const checks = { moduleLevelDirective: false } // those of libraries are marks for other tools
  const preserveEntrySignatures = shares ? 'allow-extension' : 'exports-only'
  const build = await rolldown({
    input,
    plugins,
    external,
    platform: 'node',
    transform: { define },
    checks,
    preserveEntrySignatures,
  })
  const { output } = await build.write({
    dir,
    format: 'cjs', // Node's loader of ECMAScript modules is slower
    exports: 'named',
    minify: true,
    entryFileNames: '[name].js',
    ...part.output,
  })
  await build.close()
  return output[0].fileName
}

/** oclif itself finds commands by their files: to write the manifest, and to hand them to plugins. */
function writeStub(dist: string, command: string, program: string): void {
  const path = join(dist, 'commands', `${command}.mjs`)
  const up = relative(dirname(path), join(dist, program))
  const load = `createRequire(import.meta.url)('${up}').loadCommand('${command.replaceAll('/', ':')}')`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `import { createRequire } from 'node:module'\nexport default await ${load}\n`)
}
