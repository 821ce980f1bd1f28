/** `make test`: the module alone, in Node's own WASI. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { it } from 'node:test'

const RUN = `import { readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'
const wasi = new WASI({ version: 'preview1', args: process.argv.slice(1), env: process.env })
const module = await WebAssembly.compile(readFileSync(process.env.MODULE ?? 'tally.wasm'))
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()))`

function tally(input: string, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const options = { input, encoding: 'utf8', cwd: import.meta.dirname, env: { ...process.env, ...env } } as const
  const program = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', RUN, '--', 'tally', ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, program, options)
  return { status, stdout, stderr }
}

it('counts words whatever their case, the most frequent first', () => {
  assert.equal(tally('b a B,c\nb').stdout, '      3 b\n      1 a\n      1 c\n')
})

it('shows as many as are wanted, by its flag or else its variable', () => {
  assert.equal(tally('a a b c', ['--top', '1']).stdout, '      2 a\n')
  assert.equal(tally('a a b c', ['--top=2'], { TALLY_TOP: '1' }).stdout, '      2 a\n      1 b\n')
  assert.equal(tally('a a b c', [], { TALLY_TOP: '1' }).stdout, '      2 a\n')
  assert.deepEqual(tally('a', ['--top', 'x']), {
    status: 2,
    stdout: '',
    stderr: 'tally: --top must be a number above 0\n',
  })
})

it('ends with 1 when there are no words, and cuts those that are too long', () => {
  assert.equal(tally(' ,;').status, 1)
  assert.equal(tally('x'.repeat(1000)).stdout, `      1 ${'x'.repeat(63)}\n`)
})
