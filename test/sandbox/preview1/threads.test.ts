/** WASI threads: modules of hand-written text, for want of a C library with threads. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text as streamText } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import type { WasiJob } from '../../../src/sandbox/job.ts'
import { freePort } from '../../support/free-port.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { moduleFromText } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')

/** Words of memory: 0 counts what threads do, 4 those that are done, 8 what main waits for; from 64 on iovecs and texts. */
const HEAD = `
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (func $done (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))) (drop (memory.atomic.notify (i32.const 4) (i32.const 1))))
  (func $join (param $count i32) (local $now i32)
    (loop $again
      (local.set $now (i32.atomic.load (i32.const 4)))
      (if (i32.lt_u (local.get $now) (local.get $count))
        (then (drop (memory.atomic.wait32 (i32.const 4) (local.get $now) (i64.const -1))) (br $again)))))
  ;; the decimal digits of a number, and the end of a line
  (func $say (param $number i32) (local $at i32)
    (local.set $at (i32.const 200))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (br_if $digit (local.get $number)))
    (i32.store (i32.const 64) (local.get $at))
    (i32.store (i32.const 68) (i32.sub (i32.const 201) (local.get $at)))
    (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 72))))`

interface Program {
  readonly start: string
  readonly thread: string
  readonly memory?: string
  readonly more?: string
}

const text = ({ start, thread, memory = '1 64 shared', more = '' }: Program) => `(module
  (import "env" "memory" (memory ${memory}))
  ${more.startsWith('(import') ? more : ''} ${HEAD} ${more.startsWith('(import') ? '' : more}
  (func (export "_start") (local $i i32) ${start})
  (func (export "wasi_thread_start") (param $id i32) (param $arg i32) (local $i i32) ${thread}))`

interface RunOptions {
  readonly job?: Partial<WasiJob>
  readonly flags?: readonly string[]
  readonly input?: string
}

async function run(program: Program, { job = {}, flags = [], input = '' }: RunOptions = {}) {
  const scratch = await scratchDirectory()
  const [image, path] = [join(scratch, 'image'), join(scratch, 'job.json')]
  mkdirSync(image)
  writeFileSync(join(image, 'app.wasm'), await moduleFromText(text(program)))
  const all: WasiJob = { layers: [], root: image, args: ['/app.wasm'], env: [], cwd: '/', ...job }
  writeFileSync(path, JSON.stringify(all))
  const argv = ['--no-warnings', ...flags, RUNNER, path]
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000, input })
  return { ended: { status, stdout, stderr }, image }
}

const times = (count: number, body: string) => `
  (loop $times
    ${body}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $times (i32.lt_u (local.get $i) (i32.const ${count}))))`
const SPIN = '(loop $spin (br $spin))'

describe('the threads of a module', () => {
  it('share their memory: what they count by atomics is exact', async () => {
    const { ended } = await run({
      start: `${times(4, '(drop (call $spawn (local.get $i)))')} (call $join (i32.const 4)) (call $say (i32.load (i32.const 0)))`,
      thread: `${times(100_000, '(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))')} (call $done)`,
    })
    assert.deepEqual(ended, { status: 0, stdout: '400000\n', stderr: '' })
  })

  it('have numbers of their own from 1 on, and the argument they were given', async () => {
    const { ended } = await run({
      start: `${times(3, '(call $say (call $spawn (i32.add (local.get $i) (i32.const 70))))(call $join (i32.add (local.get $i) (i32.const 1)))')}`,
      thread: '(call $say (i32.add (local.get $arg) (i32.mul (local.get $id) (i32.const 1000)))) (call $done)',
    })
    assert.deepEqual(ended.stdout.trim().split('\n').toSorted(), ['1', '1070', '2', '2071', '3', '3072'])
    assert.equal(ended.status, 0)
  })

  it('end with the first one, whatever they are doing', async () => {
    const spinning = await run({
      start: '(drop (call $spawn (i32.const 0))) (call $join (i32.const 1)) (call $say (i32.const 5))',
      thread: `(call $done) ${SPIN}`,
    })
    assert.deepEqual(spinning.ended, { status: 0, stdout: '5\n', stderr: '' })
    const waiting = await run({
      start: '(drop (call $spawn (i32.const 0))) (call $join (i32.const 1))',
      thread: '(call $done) (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1)))',
    })
    assert.equal(waiting.ended.status, 0)
  })

  it('end all together when one of them exits', async () => {
    const { ended } = await run({
      start: `(drop (call $spawn (i32.const 0))) ${SPIN}`,
      thread: '(call $say (i32.const 1)) (call $exit (i32.const 42))',
    })
    assert.deepEqual(ended, { status: 42, stdout: '1\n', stderr: '' })
  })

  it('end all together when one of them traps', async () => {
    const { ended } = await run({
      start: `(drop (call $spawn (i32.const 0))) ${SPIN}`,
      thread: '(call $boom)',
      more: '(func $boom unreachable)',
    })
    assert.deepEqual(ended, {
      status: 134,
      stdout: '',
      stderr: 'coracle: the module trapped: unreachable in function boom\n',
    })
  })

  it('are so many at most: one more is refused, and may be tried again when another has ended', async () => {
    const { ended } = await run({
      // a thousand tries: counts those that were refused in word 8
      start: `${times(1000, '(if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))))')}
        (call $say (i32.atomic.load (i32.const 8)))
        (i32.atomic.store (i32.const 0) (i32.const 1))
        (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
        (call $join (i32.const 64))
        (loop $again (br_if $again (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0))))
        (call $join (i32.const 65))
        (call $say (i32.atomic.load (i32.const 4)))`,
      thread: '(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))) (call $done)',
    })
    assert.deepEqual(ended, { status: 0, stdout: '936\n65\n', stderr: '' })
  })

  it('write whole lines to the same streams', async () => {
    const { ended } = await run({
      more: '(global $lock i32 (i32.const 12)) (func $locked (param $number i32) (loop $try (br_if $try (i32.atomic.rmw.cmpxchg (global.get $lock) (i32.const 0) (i32.const 1)))) (call $say (local.get $number)) (i32.atomic.store (global.get $lock) (i32.const 0)))',
      start: `${times(4, '(drop (call $spawn (local.get $i)))')} (call $join (i32.const 4))`,
      thread: `${times(50, '(call $locked (i32.const 123456))')} (call $done)`,
    })
    assert.equal(ended.stdout, '123456\n'.repeat(200))
  })

  it('open files by the same numbers, whichever opened them', async () => {
    const { ended, image } = await run({
      more: '(data (i32.const 300) "file") (data (i32.const 320) "\\40\\01\\00\\00\\04\\00\\00\\00") (data (i32.const 320) "\\2c\\01\\00\\00\\04\\00\\00\\00")',
      start: `(drop (call $spawn (i32.const 0))) (call $join (i32.const 1))
        (drop (call $write (i32.load (i32.const 16)) (i32.const 320) (i32.const 1) (i32.const 72)))`,
      thread: `(call $say (call $open (i32.const 3) (i32.const 0) (i32.const 300) (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))) (call $done)`,
    })
    assert.deepEqual(ended, { status: 0, stdout: '0\n', stderr: '' })
    assert.equal(readFileSync(join(image, 'file'), 'utf8'), 'file')
  })

  it('do not wait for one that waits for input', async () => {
    const { ended } = await run(
      {
        more: '(data (i32.const 320) "\\80\\01\\00\\00\\04\\00\\00\\00")',
        // the other one says something while this one's read is on its way; then it is the input's turn
        start: `(drop (call $spawn (i32.const 0)))
          (drop (call $read (i32.const 0) (i32.const 320) (i32.const 1) (i32.const 72)))
          (call $say (i32.load8_u (i32.const 384))) (call $join (i32.const 1))`,
        thread: '(call $say (i32.const 7)) (call $done)',
      },
      { input: 'A' },
    )
    assert.deepEqual(ended.stdout.trim().split('\n').toSorted(), ['65', '7'])
  })

  it('accept, read and write while others go on', async () => {
    const scratch = await scratchDirectory()
    const port = await freePort()
    const module = text({
      more: `(import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))`,
      thread: `(drop (call $accept (i32.const 3) (i32.const 0) (i32.const 16)))
        (i32.store (i32.const 320) (i32.const 384)) (i32.store (i32.const 324) (i32.const 4))
        (drop (call $read (i32.load (i32.const 16)) (i32.const 320) (i32.const 1) (i32.const 72)))
        (drop (call $write (i32.load (i32.const 16)) (i32.const 320) (i32.const 1) (i32.const 72)))
        (call $done)`,
      start: '(drop (call $spawn (i32.const 0))) (call $say (i32.const 7)) (call $join (i32.const 1))',
    })
    writeFileSync(join(scratch, 'app.wasm'), await moduleFromText(module))
    const job: WasiJob = { root: scratch, layers: [], args: ['/app.wasm'], env: [], cwd: '/', listens: [port] }
    writeFileSync(join(scratch, 'job.json'), JSON.stringify(job))
    const child = spawn(process.execPath, ['--no-warnings', RUNNER, join(scratch, 'job.json')])
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    assert.equal(said.toString(), '7\n') // the other one waits for us
    const socket = connect(port, '127.0.0.1').end('abcd')
    const [answer, [status]] = await Promise.all([streamText(socket), once(child, 'close')])
    assert.deepEqual([answer, status], ['abcd', 0])
  })

  it('have no more memory together than is allowed', async () => {
    const grow = {
      memory: '1 2048 shared',
      start: '(call $say (i32.ne (memory.grow (i32.const 2047)) (i32.const -1)))',
      thread: '',
    }
    assert.equal((await run(grow)).ended.stdout, '1\n')
    assert.equal((await run(grow, { flags: ['--wasm-max-mem-pages=1024'] })).ended.stdout, '0\n')
    const { ended } = await run({ ...grow, memory: '2048 2048 shared' }, { flags: ['--wasm-max-mem-pages=1024'] })
    assert.deepEqual(ended, {
      status: 125,
      stdout: '',
      stderr: 'coracle: the module asks for more memory than --memory allows\nallow more\n',
    })
  })

  it('are refused in one line where they cannot be', async () => {
    const program = { start: '', thread: '' }
    const wasmer = await run(program, { job: { engine: 'wasmer' } })
    assert.deepEqual(
      [wasmer.ended.status, wasmer.ended.stderr.split('\n')[0]],
      [125, 'coracle: engine wasmer runs no threads'],
    )
    const seeded = await run(program, { job: { seed: 'x' } })
    assert.match(seeded.ended.stderr, /^coracle: no two runs of several threads are the same/)
    const { ended } = await run({ ...program, memory: '1' })
    assert.deepEqual(
      [ended.status, ended.stderr],
      [126, 'coracle: exec: "/app.wasm": it starts threads, but imports no shared memory for them\n'],
    )
  })
})
