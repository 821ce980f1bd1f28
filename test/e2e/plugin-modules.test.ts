/** Single-file commands that are WebAssembly modules, as a user types them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { CLI, type Cli, openCli } from '../support/cli.ts'
import { addPlugin } from '../support/plugins.ts'
import { moduleFromC } from '../support/wasm.ts'

const WASM = `#include <stdio.h>
#include <stdlib.h>
__asm__(".section .custom_section.coracle.command,\\"\\",@\\n"
  ".ascii \\"{\\\\\\"contract\\\\\\":\\\\\\"^1.0.0\\\\\\",\\\\\\"summary\\\\\\":\\\\\\"Add\\\\\\",\\\\\\"args\\\\\\":{\\\\\\"number\\\\\\":{\\\\\\"multiple\\\\\\":true}}}\\"\\n");
int main(int argc, char **argv) { int sum = 0; for (int i = 1; i < argc; i++) sum += atoi(argv[i]); printf("%s %d\\n", argv[0], sum); return 4; }
`

describe('a plugin that is a module', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  it('makes one of a .wasm file', async () => {
    addPlugin(cli, 'add.wasm', await moduleFromC(WASM))
    assert.deepEqual(cli.run(['add', '2', '3']), { status: 4, stdout: 'add 5\n', stderr: '' })
    assert.match(cli.output('add', '--help'), /^Usage: {2}coracle add \[OPTIONS\] \[NUMBER...\]/)
  })

  it('gives a module copies of the files that it was granted', async () => {
    mkdirSync(join(cli.directory, 'data/deep'), { recursive: true })
    writeFileSync(join(cli.directory, 'data/deep/file'), 'below')
    writeFileSync(join(cli.directory, 'single'), 'alone')
    writeFileSync(join(cli.directory, 'beside'), 'SECRET')
    symlinkSync('../beside', join(cli.directory, 'data/out'))
    symlinkSync('deep/file', join(cli.directory, 'data/in'))
    const declaration = {
      contract: '*',
      summary: 'x',
      args: { file: { multiple: true } },
      permissions: ['read=./data', `read=${cli.directory}/single`, 'read=./none'],
    }
    const source = `#include <stdio.h>
      #include <stdlib.h>
      __asm__(".section .custom_section.coracle.command,\\"\\",@\\n.ascii ${JSON.stringify(JSON.stringify(JSON.stringify(declaration))).slice(1, -1)}\\n");
      int main(int argc, char **argv) {
        for (int at = 1; at < argc; at++) {
          char text[100] = "";
          FILE *file = fopen(argv[at], "r");
          printf("%s\\n", file && fgets(text, sizeof text, file) ? text : "-");
          if (file) fclose(file);
        }
        FILE *file = fopen("data/deep/file", "w");
        return !file || fputs("changed", file) < 0 || fclose(file);
      }`
    addPlugin(cli, 'show.wasm', await moduleFromC(source))
    const paths = [
      'data/deep/file',
      '/data/deep/file',
      'data/in',
      'data/out',
      'beside',
      `${cli.directory}/single`,
      `${cli.directory}/beside`,
    ]
    const show = () =>
      spawnSync(CLI, ['show', ...paths], { cwd: cli.directory, env: cli.env, encoding: 'utf8' }).stdout.split('\n')
    assert.deepEqual(show(), ['below', 'below', 'below', '-', '-', 'alone', '-', ''])
    assert.equal(readFileSync(join(cli.directory, 'data/deep/file'), 'utf8'), 'below')
    cli.output('plugins', 'revoke', 'show', 'read=./data')
    assert.deepEqual(show(), ['-', '-', '-', '-', '-', 'alone', '-', ''])
  })

  it('writes a module that can be installed', () => {
    const inside = (program: string, words: string[], cwd = cli.directory) =>
      spawnSync(program, words, { cwd, env: cli.env, encoding: 'utf8' })
    inside(CLI, ['plugins', 'create', 'greet', '--template', 'command-wasm'])
    const directory = join(cli.directory, 'greet')
    const built = inside('make', ['greet.wasm'], directory)
    assert.equal(built.status, 0, built.stderr)
    cli.output('plugins', 'add', join(directory, 'greet.wasm'))
    assert.equal(cli.output('greet', 'you'), 'hello you')
  })

  it('runs the example that counts words, a module, which passes its own tests', () => {
    const example = join(packageRoot, 'examples/plugins/tally')
    const built = spawnSync('make', ['-s', `OUT=${cli.directory}`, 'test'], { cwd: example, encoding: 'utf8' })
    assert.equal(built.status, 0, built.stdout + built.stderr)
    cli.output('plugins', 'add', '--allow-env', join(cli.directory, 'tally.wasm'))
    const tally = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
      cli.run(['tally', ...words], { input: 'a b a c', env })
    assert.equal(tally(['--top', '1']).stdout, '      2 a\n')
    assert.equal(tally([], { TALLY_TOP: '2' }).stdout, '      2 a\n      1 b\n')
    cli.output('plugins', 'revoke', 'tally')
    assert.equal(tally([], { TALLY_TOP: '2' }).stdout, '      2 a\n      1 b\n      1 c\n')
    assert.match(tally(['--bottom']).stderr, /^unknown flag: --bottom/)
    assert.match(cli.output('help', 'tally'), /--top string {3}How many/)
  })
})
