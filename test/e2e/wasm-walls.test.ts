/** The process that runs a module, looked at from outside while the module sleeps: what it has and what it sees. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { makeUser, removeUser } from '../support/ordinary-user.ts'
import { until } from '../support/until.ts'
import { moduleFromText } from '../support/wasm.ts'

const USER = 'coracle-walls'
/** Sleeps for an hour. */
const SLEEPER = `(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 200) "\\d0\\00\\00\\00\\07\\00\\00\\00asleep\\0a")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 64)))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 64)))))`

const NOTHING = '(module (memory (export "memory") 1) (func (export "_start")))'

function fieldsOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2)))
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Mount points below the small root, and how each is mounted. */
function mountsOf(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n')
  return new Map(lines.map((line) => [line.split(' ')[4] ?? '', line.split(' ')[5] ?? '']))
}

function describeWalls(title: string, open: (context: Mocha.Context) => Coracle, early = false): void {
  describe(`the process around a module ${title}`, function () {
    this.timeout(60_000)
    let coracle: Coracle
    let init = 0
    let runner = 0
    before(async function () {
      needsRoot(this)
      coracle = open(this)
      writeFileSync(join(coracle.directory, 'sleeper.wasm'), await moduleFromText(SLEEPER))
      writeFileSync(join(coracle.directory, 'nothing.wasm'), await moduleFromText(NOTHING))
      if (early) coracle.output('run', '--rm', './nothing.wasm') // what is kept of it starts the next one
      coracle.output('run', '-d', '--name', 'sleeper', './sleeper.wasm')
      await until('the module runs', () => coracle.output('logs', 'sleeper') === 'asleep')
      init = Number(coracle.output('inspect', '-f', '{{.State.Pid}}', 'sleeper'))
      ;[runner = 0] = childrenOf(init)
    })
    after(() => coracle?.close())

    it('was started when it was meant to be', () => {
      const waited = readFileSync(`/proc/${runner}/cmdline`, 'utf8').endsWith('\0/.container/job\x0020\0')
      assert.equal(waited, early)
    })

    it('has no capability, can gain none, and is behind a filter', () => {
      const fields = fieldsOf(runner)
      for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        assert.equal(BigInt(`0x${fields[name]}`), 0n, name)
      assert.deepEqual([fields['NoNewPrivs'], fields['Seccomp'], fields['NSpid']?.split(/\s+/).at(-1)], ['1', '2', '2'])
    })

    it('shares no namespace with the host but time', () => {
      const link = (pid: number | 'self', name: string) => readlinkSync(`/proc/${pid}/ns/${name}`)
      const shared = ['mnt', 'pid', 'net', 'ipc', 'uts'].filter((name) => link(runner, name) === link('self', name))
      assert.deepEqual(shared, [])
      assert.deepEqual(childrenOf(runner), [])
    })

    it('sees Node, its own code and the container, all read-only but the container’s files', () => {
      const hidden = ['/etc/shadow', '/etc/passwd', '/usr/bin/env', '/bin/sh', '/proc/sys', '/sys/kernel', '/dev/mem']
      assert.deepEqual(
        hidden.filter((path) => existsSync(`/proc/${runner}/root${path}`)),
        [],
      )
      const mounts = mountsOf(runner)
      assert.match(mounts.get('/') ?? '', /^ro,/)
      const writable = [...mounts].filter(([, options]) => !/^ro\b/.test(options)).map(([path]) => path)
      const ownFiles = (path: string) => ['/.container/refused', '/.container/root'].includes(path)
      assert.deepEqual(writable.filter((path) => !ownFiles(path)).toSorted(), ['/dev/null', '/dev/pts'])
      assert.equal(writable.filter(ownFiles).length, 2)
      for (const path of writable.filter(ownFiles)) assert.match(mounts.get(path) ?? '', /nosuid,nodev,noexec/, path)
      assert.match(readFileSync(`/proc/${runner}/mountinfo`, 'utf8'), / \/proc ro,.*subset=pid/)
    })

    it('hears the signal that is to stop it', () => {
      coracle.output('stop', '-t', '30', 'sleeper')
      assert.equal(coracle.output('inspect', '-f', '{{.State.ExitCode}}', 'sleeper'), '143')
    })
  })
}

describeWalls('that root started', () => openCoracle())
describeWalls('that root started, before it was known', () => openCoracle(), true)
describeWalls('that an ordinary user started', (context) => openCoracle(makeUser(context, USER)))
after(() => removeUser(USER))
