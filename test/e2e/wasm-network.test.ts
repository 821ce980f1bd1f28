/** WebAssembly containers that serve: published ports, other containers, threads and walls as the program has them. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import { moduleFromC, moduleFromText } from '../support/wasm.ts'

describe('WebAssembly containers on networks', function () {
  this.timeout(60_000)
  let coracle: Coracle
  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    const server = await moduleFromC(readFileSync(join(packageRoot, 'test/support/wasi-server.c'), 'utf8'))
    writeFileSync(join(coracle.directory, 'server.wasm'), server)
  })
  afterEach(() => coracle.clear())
  after(() => coracle?.close())

  const output = (...args: string[]) => coracle.output(...args)
  const listens = (name: string) => () => coracle.run(['logs', name]).stderr.includes('LISTEN_FDS=1')

  it('serve on a port of the host, to many, until they have served enough', async () => {
    output('run', '-d', '--name', 'web', '-p', '127.0.0.1::80', './server.wasm', 'http', '20')
    const [, address] = /-> (.*)/.exec(output('port', 'web')) ?? []
    const get = async () => (await fetch(`http://${address}/`)).text()
    await until('it listens', listens('web'))
    const answers = await Promise.all(Array.from({ length: 20 }, get))
    assert.deepEqual(new Set(answers), new Set(['served']))
    assert.equal(output('wait', 'web'), '0')
  })

  it('serve other containers by name, on the ports that they expose', async () => {
    output('network', 'create', 'inner')
    output('run', '-d', '--name', 'web', '--network', 'inner', '--expose', '8080', './server.wasm', 'http', '1')
    await until('it listens', listens('web'))
    assert.match(output('run', '--rm', '--network', 'inner', IMAGE, 'wget', '-qO-', 'http://web:8080/'), /served/)
  })

  it('are given no socket without a port, and nothing that leads anywhere without a network', () => {
    const { stderr } = coracle.run(['run', '--rm', './server.wasm', 'http'])
    assert.match(stderr, /LISTEN_FDS=\(null\)\naccept: (?:Bad file descriptor|Not a socket)/)
    const { stderr: none } = coracle.run(['run', '--rm', '--network', 'none', '-p', '80', './server.wasm', 'http'])
    assert.match(none, /LISTEN_FDS=\(null\)/)
  })

  it('stop while they wait for a connection', async () => {
    output('run', '-d', '--name', 'web', '-p', '80', './server.wasm', 'http')
    await until('it listens', listens('web'))
    output('stop', '-t', '30', 'web')
    assert.equal(output('inspect', '-f', '{{.State.ExitCode}}', 'web'), '143')
  })

  it('have as many threads as --pids-limit leaves them', async () => {
    const module = await moduleFromText(`(module
      (import "env" "memory" (memory 1 1 shared))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func (export "wasi_thread_start") (param i32 i32)
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
      (func (export "_start") (local $count i32)
        (loop $next
          (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (local.get $count))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))))`)
    writeFileSync(join(coracle.directory, 'threads.wasm'), module)
    assert.equal(coracle.run(['run', '--rm', './threads.wasm']).status, 64)
    const { status } = coracle.run(['run', '--rm', '--pids-limit', '24', './threads.wasm'])
    assert(status !== null && status > 0 && status < 20, String(status))
  })
})
