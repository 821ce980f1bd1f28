/** `plugins create`: a directory with a command that works, and what tests it. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgument } from '../errors.ts'
import { packageRoot } from '../package-root.ts'
import { backendFiles } from './create-backend.ts'
import { CONTRACT_VERSION } from './plugin.ts'

export const TEMPLATES = ['command-ts', 'command-wasm', 'backend'] as const
export type Template = (typeof TEMPLATES)[number]

/**
 * @param parent - the directory in which `name` is made
 * @returns the files it made
 * @throws {InvalidArgument} there is something of that name, or it is none
 */
export function createPlugin(parent: string, name: string, template: Template): string[] {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name))
    throw new InvalidArgument(`'${name}' cannot be the name of a command: a-z, 0-9 and - can stand in it`)
  const directory = join(parent, name)
  if (existsSync(directory)) throw new InvalidArgument(`${directory} is there already`)
  mkdirSync(directory)
  const files = FILES[template](name)
  if (template === 'backend') linkContract(directory)
  return Object.entries(files).map(([file, text]) => {
    writeFileSync(join(directory, file), text)
    return join(directory, file)
  })
}

const FILES: Readonly<Record<Template, (name: string) => Record<string, string>>> = {
  'command-ts': scriptFiles,
  'command-wasm': moduleFiles,
  backend: backendFiles,
}

/** As `npm link coracle` would: its tests import `coracle/plugin/testing`. */
function linkContract(directory: string): void {
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(packageRoot, join(directory, 'node_modules', 'coracle'))
}

function scriptFiles(name: string): Record<string, string> {
  return {
    [`${name}.ts`]: `import type { Command } from 'coracle/plugin'

export default {
  contract: '^${CONTRACT_VERSION}',
  summary: 'Count the images of this host',
  args: { word: { description: 'Only images with this in one of their tags' } },
  flags: { quiet: { type: 'boolean', char: 'q', description: 'Print the number alone' } },
  permissions: ['engine:read'],
  async run({ args, flags, engine, print }) {
    const images = await engine.images.list()
    const word = String(args.word ?? '')
    const { length } = images.filter(({ RepoTags }) => word === '' || RepoTags.some((tag) => tag.includes(word)))
    print(flags.quiet ? \`\${length}\` : \`\${length} images\`)
  },
} satisfies Command
`,
    [`${name}.test.ts`]: `// node --test
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PluginEngine } from 'coracle/plugin'
import command from './${name}.ts'

it('counts the images with a word in their tags', async () => {
  const lines: string[] = []
  const image = { Id: '', RepoDigests: [], Created: 0, Size: 0, Labels: {}, Containers: 0 }
  const list = async () => [{ ...image, RepoTags: ['web:1'] }, { ...image, RepoTags: ['db:1', 'db:2'] }]
  const engine = { images: { list } } as unknown as PluginEngine
  const print = (line: string) => lines.push(line)
  await command.run({ name: '${name}', args: { word: 'db' }, flags: {}, engine, print })
  assert.deepEqual(lines, ['1 images'])
})
`,
  }
}

function moduleFiles(name: string): Record<string, string> {
  const declaration = {
    contract: `^${CONTRACT_VERSION}`,
    summary: 'Say hello',
    args: { who: { description: 'Whom to greet' } },
  }
  return {
    [`${name}.json`]: `${JSON.stringify(declaration, null, 2)}\n`,
    [`${name}.c`]: `#include <stdio.h>

/* What Coracle asks a module for: its declaration, in a section of its own. */
__asm__(".section .custom_section.coracle.command,\\"\\",@\\n.incbin \\"${name}.json\\"\\n");

int main(int argc, char **argv) {
  printf("hello %s\\n", argc > 1 ? argv[1] : "world");
  return 0;
}
`,
    Makefile: `# clang, lld and wasi-libc
${name}.wasm: ${name}.c ${name}.json
	clang --target=wasm32-wasi --sysroot=/usr -O2 ${name}.c -o $@

test: ${name}.wasm
	coracle plugins add --name ${name}-test ${name}.wasm
	test "$$(coracle ${name}-test you)" = "hello you"
	coracle plugins uninstall ${name}-test

.PHONY: test
`,
  }
}
