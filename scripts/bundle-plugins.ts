/** What the bundle of the program is made with: a table of commands, libraries in files of their own, lazy loading. */
import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

/** The bundle's first module; there is no such file. */
export const PROGRAM = '/program.ts'

/** In place of src/load-command.ts: every command, loaded when it is asked for. @param names - `image/ls` */
export function commandTable(root: string, names: readonly string[]): Plugin {
  const rows = names.map((name) => `'${name.replaceAll('/', ':')}': () => import('./commands/${name}.ts')`)
  const loader = `${root}/src/load-command.ts`
  const table = [
    `const table = { ${rows.join(',\n')} }`,
    'export const isLoneCommand = (id) => Object.hasOwn(table, id) && !Object.keys(table).some((key) => key.startsWith(`${id}:`))',
    'export const loadCommand = async (id) => (await table[id]()).default',
  ]
  return {
    name: 'command-table',
    resolveId: (id) => (id === PROGRAM ? id : undefined),
    load(id) {
      if (id === PROGRAM) return `export { runCli } from '${root}/src/cli.ts'; export { loadCommand } from '${loader}'`
      return id === loader ? table.join('\n') : undefined
    },
  }
}

/**
 * Libraries, which few commands need, stay out of the program's file: it is read and its compiled code loaded as a whole.
 *
 * @param found - gets each: name of its file, path of its source
 */
export function librariesApart(found: Map<string, string>): Plugin {
  return {
    name: 'libraries-apart',
    async resolveId(source, importer, { kind }) {
      if (importer === undefined || /^[./\0]|^@oclif\/core/.test(source) || isBuiltin(source)) return undefined
      const resolved = await this.resolve(source, importer, { kind, skipSelf: true })
      if (resolved === null || resolved.external !== false) return undefined
      const inside = resolved.id.slice(resolved.id.lastIndexOf('node_modules/') + 'node_modules/'.length)
      const name = `libraries/${inside.replace(/\.[cm]?js$/, '').replaceAll('/', '-')}`
      found.set(name, resolved.id)
      return { id: `./${name}.js`, external: true }
    },
  }
}

/**
 * A library that is also a part of another one (semver's functions are) would be handed out in another form than one that
 * stands alone; as it is required by an entry of its own, each has the same: what `module.exports` was.
 */
export const libraryEntries: Plugin = {
  name: 'library-entries',
  resolveId: (id) => (id.startsWith(ENTRY) ? id : undefined),
  load: (id) =>
    id.startsWith(ENTRY) ? `module.exports = require(${JSON.stringify(id.slice(ENTRY.length))})` : undefined,
}

const ENTRY = '\0library:'

/** @param path - of its source */
export const libraryEntry = (path: string): string => `${ENTRY}${path}`

/**
 * A module loads another one, a library or a part of Node when something of it is first asked for, not before: what a
 * command does not use costs it nothing. Half of oclif is for features that few commands have; `node:crypto` alone takes 5 ms.
 *
 * @param modules - directory of our own modules, as CommonJS
 */
export function lazyModules(modules: string): Plugin {
  return {
    name: 'lazy-modules',
    transform(code, id) {
      if (/node_modules\/@oclif\/core\/lib\/.*\.js$/.test(id)) return LAZILY + code.replace(OCLIF_REQUIRE, LAZY)
      if (!id.startsWith(modules) || id.includes('/_virtual/')) return undefined
      return LAZILY + lazyDeclarations(code).replace(DYNAMIC_IMPORT, 'Promise.resolve().then(() => require("$1"))')
    },
  }
}

/**
 * The bundler puts a module's function in parentheses, which tells V8 to compile it at once. Most are never called.
 * (`optimization.pifeForModuleWrappers` says to leave that, and changes nothing for CommonJS.)
 */
export const compileLater: Plugin = {
  name: 'compile-later',
  renderChunk: (code) =>
    code
      .replace(/^(var \S+ = (?:\/\* @__PURE__ \*\/ )?__commonJSMin\()\((\([^()]*\) => \{)$/gm, '$1$2')
      .replace(/^\}\)\);$/gm, '});'),
}

const OCLIF_REQUIRE =
  /^const (?<name>\w+) = (?<load>(?:__importStar|__importDefault)\(require\("[^"]+"\)\)|require\("[^"]+"\));$/gm
const LAZY = 'const $<name> = lazily(() => $<load>);'

/** Of what is no module of ours. Node's loader of ECMAScript modules would take 2 ms to wake up. */
const DYNAMIC_IMPORT = /\bimport\("([^"]+)"\)/g

/** Node has loaded these already. */
const LOADED = /^node:(?:fs|path|process)$|\/runtime\.cjs$/

function lazyDeclarations(code: string): string {
  const declaration = /^(?:let|const) (\w+) = require\("([^"]+)"\);(?:\n\1 = (\S+\.__toESM)\(\1(, 1)?\);)?$/gm
  return code.replace(declaration, (whole, ...[name, module = '', wrap, mode = '']: (string | undefined)[]) => {
    if (LOADED.test(module)) return whole
    const load = `require("${module}")`
    return `const ${name} = lazily(() => ${wrap === undefined ? load : `${wrap}(${load}${mode})`});`
  })
}

const LAZILY = `const lazily = (load) => {
  let module; const get = () => (module ??= load());
  return new Proxy({}, { get: (_, name) => get()[name], has: (_, name) => name in get() });
};
`
