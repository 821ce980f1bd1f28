/** The walls of the house (design, section 3) as a test. A failure prints the way from the importer to what it must not import. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../src/package-root.ts'

interface Import {
  readonly from: string
  /** A file below src/, or a package. */
  readonly to: string
  readonly kind: 'static' | 'lazy' | 'type'
}

const LEAVES = ['oci', 'state', 'ui', 'util', 'errors.ts', 'paths.ts', 'package-root.ts']
const ENTRY = ['main.ts', 'cli.ts']

/** What a room may import of the house, besides itself; `*` stands for the leaves. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli.ts', 'code-cache.ts'],
  'code-cache.ts': ['paths.ts'],
  'cli.ts': ['load-command.ts', 'engine', 'ui', 'util', 'errors.ts', 'package-root.ts', 'paths.ts'],
  'load-command.ts': ['package-root.ts'],
  commands: ['base-command.ts', 'engine', 'ui', 'errors.ts'],
  'base-command.ts': ['engine', 'ui', 'errors.ts'],
  engine: [
    'build',
    'compose',
    'containers',
    'images',
    'network',
    'volumes',
    'plugins',
    'registry',
    'linux',
    'sandbox',
    '*',
  ],
  build: ['archive', 'images', 'containers', 'plugins', 'registry', 'linux', '*'],
  compose: ['plugins', '*'],
  // tar streams and trees: what cp, commit, export and volumes have in common
  archive: ['images', 'linux', '*'],
  // these drive the native program: supervisor, apply, control groups
  containers: ['archive', 'images', 'network', 'volumes', 'plugins', 'linux', '*'],
  images: ['registry', 'plugins', 'linux', '*'],
  network: ['plugins', 'linux', '*'],
  volumes: ['archive', 'plugins', 'linux', '*'],
  // `coracle/plugin`, and single-file commands, the `.wasm` ones of which run in the sandbox
  plugins: ['sandbox', 'oci', 'errors.ts', 'paths.ts', 'package-root.ts', 'util'],
  registry: ['*'],
  linux: ['*'],
  sandbox: ['*'],
  oci: ['errors.ts', 'util'],
  state: ['errors.ts', 'paths.ts', 'util'],
  ui: ['oci', 'errors.ts', 'util'],
  util: ['errors.ts'],
  'errors.ts': [],
  'paths.ts': [],
  'package-root.ts': [],
}

/** Types cost nothing at run time and tie no knot; the contracts between rooms are types. */
const MAY_AS_TYPE: Readonly<Record<string, readonly string[]>> = {
  'base-command.ts': ['images/types.ts', 'containers/types.ts'],
  ui: ['build/types.ts', 'images/types.ts', 'containers/types.ts', 'containers/lifecycle.ts', 'network/types.ts'],
  plugins: ['linux/plan.ts', 'registry/client.ts'],
  linux: ['plugins/contract.ts'],
  sandbox: ['plugins/contract.ts', 'linux/plan.ts'],
  registry: ['plugins/contract.ts'],
  images: ['containers/types.ts'],
}

/** Packages that the entry and a command may load before they know what is wanted. */
const START_UP_PACKAGES = [/^node:/, /^@oclif\/core\/(?:args|command|config|flags|interfaces)$/]

const files = globSync('src/**/*.ts', { cwd: packageRoot }).map((path) => path.slice('src/'.length))
const imports = files.flatMap(readImports)

function readImports(from: string): readonly Import[] {
  const text = readFileSync(join(packageRoot, 'src', from), 'utf8').replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
  const found = [
    ...text.matchAll(/^(?:import|export)\s+(?<type>type\s)?(?:[^'";]*?\sfrom\s+)?'(?<target>[^']+)'/gm),
    ...text.matchAll(/\bimport\('(?<target>[^']+)'\)/g),
  ]
  return found.map(({ 0: whole, groups }) => {
    const target = groups?.['target'] ?? ''
    const to = target.startsWith('.') ? join(dirname(from), target) : target
    const kind = whole.startsWith('import(') ? 'lazy' : isTypeOnly(whole, groups?.['type']) ? 'type' : 'static'
    return { from, to, kind }
  })
}

/** `import type { … }`, or nothing but `type` names in the braces. */
function isTypeOnly(statement: string, type: string | undefined): boolean {
  const names =
    /\{([^}]*)\}/
      .exec(statement)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '') ?? []
  return type !== undefined || (names.length > 0 && names.every((name) => name.trim().startsWith('type ')))
}

const roomOf = (path: string): string => path.split('/')[0] ?? path
const isOurs = (path: string): boolean => path.endsWith('.ts')

function isAllowed({ from, to, kind }: Import): boolean {
  const room = roomOf(from)
  const target = roomOf(to)
  if (!isOurs(to) || room === target) return true
  const allowed = (MAY[room] ?? []).flatMap((name) => (name === '*' ? LEAVES : [name]))
  if (allowed.includes(target)) return true
  return kind === 'type' && (MAY_AS_TYPE[room] ?? []).includes(to)
}

/** How the program comes to load a file: one chain of imports from an entry or a command. */
function wayTo(file: string): string {
  const starts = files.filter((path) => ENTRY.includes(path) || path.startsWith('commands/'))
  const ways = starts.map((path) => [path])
  const seen = new Set(starts)
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const last = way.at(-1) ?? ''
    if (last === file) return way.join(' → ')
    for (const { to } of imports.filter(({ from, kind }) => from === last && kind !== 'type')) {
      if (!seen.has(to)) ways.push([...way, to])
      seen.add(to)
    }
  }
  return file
}

/** The first way round in a circle of static imports, if there is one. */
function findCycle(): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const { to } of imports.filter(
      ({ from, kind, to: target }) => from === path && kind === 'static' && isOurs(target),
    )) {
      const cycle = visit(to, [...way, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of files) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** Everything that is loaded as soon as `start` is, with the way there. */
function loadedAtOnce(start: string): ReadonlyMap<string, string> {
  const ways = new Map([[start, start]])
  for (const [path, way] of ways) {
    for (const { to } of imports.filter(({ from, kind }) => from === path && kind === 'static')) {
      if (!ways.has(to)) ways.set(to, `${way} → ${to}`)
    }
  }
  return ways
}

describe('the import rules', () => {
  it('know every room of the house', () => {
    const strangers = [...new Set(files.map(roomOf))].filter((room) => !(room in MAY))
    assert.deepEqual(strangers, [], 'give the new room its line in MAY')
  })

  it('let arrows point down only', () => {
    const wrong = imports.filter((each) => !isAllowed(each))
    assert.deepEqual(
      wrong.map(({ from, to }) => `${wayTo(from)} → ${to}`),
      [],
    )
  })

  it('allow no circle', () => {
    assert.deepEqual(findCycle()?.join(' → '), undefined)
  })

  it('keep what starts every command small', () => {
    const starts = files.filter((path) => ENTRY.includes(path) || path.startsWith('commands/'))
    const wrong = starts.flatMap((start) =>
      [...loadedAtOnce(start)].flatMap(([path, way]) => {
        const mine = isOurs(path) ? ['commands', 'ui', 'oci', 'util'].includes(roomOf(path)) || path in MAY : false
        return mine || START_UP_PACKAGES.some((name) => name.test(path)) ? [] : [way]
      }),
    )
    assert.deepEqual(wrong, [], 'import it lazily, inside the function that needs it')
  })

  it('see an import that is not allowed', () => {
    assert(!isAllowed({ from: 'linux/plan.ts', to: 'images/store.ts', kind: 'static' }))
    assert(!isAllowed({ from: 'commands/run.ts', to: 'containers/run.ts', kind: 'lazy' }))
    assert(!isAllowed({ from: 'ui/table.ts', to: 'images/types.ts', kind: 'static' }))
    assert(isAllowed({ from: 'ui/table.ts', to: 'images/types.ts', kind: 'type' }))
    assert(imports.length > files.length, `only ${imports.length} imports found below ${relative('.', packageRoot)}`)
  })
})
