import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import type { WasiJob } from '../../src/sandbox/job.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { moduleFromC, moduleFromText } from '../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')
const MEMORY = '(memory (export "memory") 1)'
const EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
const WRITE = '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
const READ = '(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))'

async function prepare(
  module: Buffer | undefined,
  job: Partial<WasiJob> = {},
  flags: readonly string[] = [],
): Promise<string[]> {
  const scratch = await scratchDirectory()
  const root = join(scratch, 'root')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/motd'), 'from the image\n')
  symlinkSync('/etc/shadow', join(root, 'shadow'))
  if (module !== undefined) writeFileSync(join(root, 'app.wasm'), module)
  const path = join(scratch, 'job.json')
  writeFileSync(path, JSON.stringify({ layers: [root], args: ['/app.wasm'], env: [], cwd: '/', ...job }))
  return [...flags, RUNNER, path]
}

async function run(
  module: Buffer | undefined,
  job: Partial<WasiJob> = {},
  options: { input?: string; flags?: readonly string[] } = {},
) {
  const args = await prepare(module, job, options.flags)
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    input: options.input ?? '',
    encoding: 'utf8',
    timeout: 30_000,
  })
  return { status, stdout, stderr }
}

/** Prints which slow parts of Node were loaded. */
const LOADED = `data:text/javascript,process.once('exit', () => console.log('loaded:',
  process.moduleLoadList.filter((name) => /^NativeModule (?:crypto|worker_threads|net|tty)$/.test(name)).join()))`.replace(
  /\n\s*/,
  '',
)

describe('the runner of WebAssembly', () => {
  it('loads what takes Node long only for modules that ask for it', async () => {
    const flags = ['--import', LOADED]
    const idle = await moduleFromText(`(module ${MEMORY} (func (export "_start")))`)
    assert.equal((await run(idle, {}, { flags })).stdout, 'loaded: \n')
    const asking = await moduleFromText(`(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      ${MEMORY} (func (export "_start") (drop (call $random (i32.const 0) (i32.const 8)))))`)
    assert.equal((await run(asking, {}, { flags })).stdout, 'loaded: NativeModule crypto\n')
  })

  it('gives a program its arguments, its environment and its streams, and nobody else’s', async () => {
    process.env['SECRET_OF_THE_HOST'] = 'x'
    const module = await moduleFromC(`
      #include <stdio.h>
      #include <stdlib.h>
      int main(int argc, char **argv) {
        char line[64];
        printf("%d %s %s %s\\n", argc, argv[1], getenv("NAME"), getenv("SECRET_OF_THE_HOST") ? "leak" : "none");
        while (fgets(line, sizeof line, stdin)) fprintf(stderr, "got %s", line);
        return 7;
      }`)
    const ended = await run(
      module,
      { args: ['/app.wasm', 'first'], env: ['NAME=value=with='] },
      { input: 'one\ntwo\n' },
    )
    assert.deepEqual(ended, { status: 7, stdout: '2 first value=with= none\n', stderr: 'got one\ngot two\n' })
  })

  it('passes output on while the program runs, and input when it comes', async () => {
    const module = await moduleFromC(
      '#include <stdio.h>\nint main(void) { int c; puts("ready"); fflush(stdout); while ((c = getchar()) != EOF) { putchar(c + 1); fflush(stdout); } return 0; }',
    )
    const child = spawn(process.execPath, await prepare(module), { stdio: ['pipe', 'pipe', 'inherit'] })
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    const until = async (text: string) => {
      while (!seen.endsWith(text)) await once(child.stdout, 'data')
    }
    await until('ready\n')
    child.stdin.write('a')
    await until('b') // before its input ends
    child.stdin.end()
    const [status] = await once(child, 'exit')
    assert.equal(status, 0)
  })

  it('shows the in-memory engine the files of the image, keeps what is written to itself, and shows none of the host', async () => {
    const module = await moduleFromC(`
      #include <stdio.h>
      static void show(const char *path) {
        char line[64];
        FILE *file = fopen(path, "r");
        printf("%s: %s", path, file && fgets(line, sizeof line, file) ? line : "nothing\\n");
      }
      int main(void) {
        show("/etc/motd"); show("/shadow"); show("/../etc/shadow"); show("/etc/passwd");
        FILE *file = fopen("/etc/new", "w");
        if (file) { fputs("written\\n", file); fclose(file); }
        show("/etc/new");
      }`)
    const { stdout } = await run(module, { engine: 'wasmer' })
    assert.deepEqual(stdout.split('\n').slice(0, 5), [
      '/etc/motd: from the image',
      '/shadow: nothing',
      '/../etc/shadow: nothing',
      '/etc/passwd: nothing',
      '/etc/new: written',
    ])
  })

  it('ends as proc_exit says, in the eight bits of a status', async () => {
    const exiting = (status: number) =>
      moduleFromText(`(module ${EXIT} ${MEMORY} (func (export "_start") (call $exit (i32.const ${status}))))`)
    assert.equal((await run(await exiting(42))).status, 42)
    assert.equal((await run(await exiting(300))).status, 44)
  })

  const traps: readonly (readonly [what: string, body: string, expected: RegExp])[] = [
    ['unreachable code', 'unreachable', /unreachable in function boom/],
    [
      'memory that is not there',
      '(drop (i32.load (i32.const 100000000)))',
      /memory access out of bounds in function boom/,
    ],
    ['endless recursion', 'call $boom', /call stack exhausted/],
    ['a division by zero', '(drop (i32.div_s (i32.const 1) (i32.const 0)))', /divide by zero in function boom/],
  ]
  for (const [what, body, expected] of traps) {
    it(`reports a trap of ${what} by its name, with status 134`, async () => {
      const module = await moduleFromText(`(module ${EXIT} ${MEMORY} (func $boom (export "_start") ${body}))`)
      const { status, stderr } = await run(module)
      assert.equal(status, 134)
      assert.match(stderr, expected)
      assert(stderr.length < 300, 'one line for people')
    })
  }

  it('tells what is missing from what is no module and from what it does not run', async () => {
    const cases: readonly (readonly [status: number, module: Buffer | undefined, says: RegExp])[] = [
      [127, undefined, /no such module/],
      [126, Buffer.from('#!/bin/sh\n'), /exec format error/],
      [126, Buffer.from('(module)'), /text/],
      [126, Buffer.from('0061736d01000000ff', 'hex'), /exec/],
      [126, await moduleFromText(`(module ${MEMORY} (func (export "add")))`), /library/],
      [125, Buffer.from('0061736d0d000100', 'hex'), /exports neither/],
      [125, await moduleFromText(`(module (import "env" "f" (func)) ${MEMORY} (func (export "_start")))`), /imports/],
    ]
    for (const [expected, module, says] of cases) {
      const { status, stderr } = await run(module)
      assert.equal(status, expected, stderr)
      assert.match(stderr, says)
      assert(!stderr.includes('    at '), 'no stack trace')
    }
  })

  it('calls the function that the program names behind #', async () => {
    const module = await moduleFromText(`(module ${MEMORY} (func (export "other") unreachable))`)
    assert.equal((await run(module, { args: ['/app.wasm#other'] })).status, 134)
  })

  it('answers addresses outside of the memory with an error in the in-memory engine, not with a crash', async () => {
    const attack = (call: string) =>
      moduleFromText(
        `(module ${EXIT} ${WRITE} ${READ} ${MEMORY} (data (i32.const 0) "\\f0\\ff\\ff\\ff\\ff\\ff\\ff\\ff") (func (export "_start") (call $exit ${call})))`,
      )
    const calls = [
      '(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))',
      '(call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 16))',
      '(call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const -1))',
      '(call $write (i32.const 1) (i32.const 16) (i32.const -1) (i32.const 32))',
      '(call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))',
    ]
    const ask = async (call: string) => (await run(await attack(call), { engine: 'wasmer' })).status
    for (const call of calls) assert.equal(await ask(call), 21, call) // EFAULT
    const wrongWay = '(call $read (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 16))'
    assert.equal(await ask(wrongWay), 8) // EBADF
  })

  it('refuses a module that wants more memory than there may be, and growth beyond it', async () => {
    const flags = ['--wasm-max-mem-pages=64']
    const greedy = await moduleFromText(`(module ${EXIT} (memory (export "memory") 100) (func (export "_start")))`)
    assert.notEqual((await run(greedy, {}, { flags })).status, 0)
    const growing = await moduleFromText(
      `(module ${EXIT} ${MEMORY} (func (export "_start") (call $exit (i32.add (memory.grow (i32.const 1000)) (i32.const 6)))))`,
    )
    assert.equal((await run(growing, {}, { flags })).status, 5) // memory.grow answered -1
  })
})
