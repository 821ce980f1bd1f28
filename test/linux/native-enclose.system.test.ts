/** `coracle-native enclose`: what a program behind the kernel's walls cannot do, whatever language it is written in. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { nativeProgram } from '../../src/package-root.ts'
import { eventually } from '../support/coracle.ts'
import { needsLandlock } from '../support/needs-landlock.ts'
import { scratchDirectory } from '../support/scratch.ts'

/** What dynamically linked programs need. */
const SYSTEM = ['/usr', '/bin', '/lib', '/lib64', '/etc/ld.so.cache'].flatMap((path) => ['-r', path])

function enclosed(options: readonly string[], ...program: string[]) {
  const words = ['enclose', `${process.pid}`, ...options, '--', ...program]
  const { status, stdout, stderr } = spawnSync(nativeProgram, words, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const python = (options: readonly string[], code: string) =>
  enclosed([...SYSTEM, ...options], '/usr/bin/python3', '-Ic', code)

describe('coracle-native enclose', () => {
  it('opens files below what was named, and no others, by whatever link', async function () {
    needsLandlock(this)
    const directory = await scratchDirectory()
    writeFileSync(join(directory, 'file'), 'granted')
    symlinkSync('/etc/passwd', join(directory, 'link'))
    const cat = (path: string) => enclosed([...SYSTEM, '-r', directory], '/bin/cat', path)
    assert.equal(cat(join(directory, 'file')).stdout, 'granted')
    for (const path of ['/etc/passwd', join(directory, 'link'), '/proc/self/root/etc/passwd']) {
      const { status, stdout } = cat(path)
      assert.deepEqual([status, stdout], [1, ''], path)
    }
  })

  it('writes below what was named, and no others', async () => {
    const directory = await scratchDirectory()
    const touch = (path: string) =>
      enclosed([...SYSTEM, '-w', join(directory, 'in')], '/bin/touch', join(directory, path))
    spawnSync('mkdir', [join(directory, 'in')])
    assert.equal(touch('in/file').status, 0)
    assert.equal(touch('file').status, 1)
    assert.equal(touch('in/../file').status, 1)
    assert(!existsSync(join(directory, 'file')))
  })

  it('makes sockets only with -n', () => {
    const code = 'import socket; socket.socket(); print("made")'
    assert.match(python([], code).stderr, /PermissionError: \[Errno 1\]/)
    assert.equal(python(['-n'], code).stdout, 'made\n')
  })

  it('starts programs only with -c', () => {
    const code = 'import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0); print("forked")'
    assert.match(python([], code).stderr, /PermissionError|Operation not permitted/)
    assert.equal(python(['-c'], code).stdout, 'forked\n')
  })

  it('has threads all the same', () => {
    const code = 'import threading; t = threading.Thread(target=lambda: print("thread")); t.start(); t.join()'
    assert.equal(python([], code).stdout, 'thread\n')
  })

  it('signals nobody', () => {
    assert.match(python([], 'import os; os.kill(os.getppid(), 0)').stderr, /PermissionError/)
    const thread = (owner: string) =>
      `import ctypes, os; pid = ${owner}; tgkill = ${process.arch === 'x64' ? 234 : 131}; print(ctypes.CDLL(None).syscall(tgkill, pid, pid, 0))`
    assert.equal(python([], thread('os.getppid()')).stdout, '-1\n')
    assert.equal(python([], thread('os.getpid()')).stdout, '0\n')
    assert.equal(python(['-c'], thread('os.getppid()')).stdout, '0\n')
  })

  it('changes neither the limits nor the priority of others', () => {
    const limits = 'import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))'
    assert.match(python([], limits).stderr, /PermissionError/)
    assert.match(python([], 'import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)').stderr, /PermissionError/)
  })

  it('gets no more than two gibibytes', () => {
    assert.match(python([], 'a = [bytes(256 << 20) for _ in range(12)]').stderr, /MemoryError/)
  })

  it('is nobody with -u, without a capability', function () {
    if (process.geteuid?.() !== 0) this.skip()
    const status = enclosed(['-u'], '/bin/cat', '/proc/self/status').stdout
    assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
    assert.match(status, /^CapBnd:\t0+$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
    assert.match(status, /^Seccomp:\t2$/m)
  })

  it('ends with its parent, also as nobody', async () => {
    const shell = `"$0" enclose $$ ${process.geteuid?.() === 0 ? '-u' : ''} -- /bin/sleep 1000 & echo $!; wait`
    const parent = spawn('/bin/sh', ['-c', shell, nativeProgram], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [chunk] = (await once(parent.stdout, 'data')) as [Buffer]
    const proc = `/proc/${String(chunk).trim()}`
    await eventually('it sleeps', () => readFileSync(`${proc}/comm`, 'utf8') === 'sleep\n')
    parent.kill('SIGKILL')
    await eventually('it has ended', () => !existsSync(`${proc}/exe`))
  })

  it('refuses words that it does not know, and a parent that is not its own', () => {
    for (const options of [['-x'], ['-r'], ['word'], ['un']]) assert.equal(enclosed(options, '/bin/true').status, 126)
    const { status, stderr } = spawnSync(nativeProgram, ['enclose', '1', '--', '/bin/true'], { encoding: 'utf8' })
    assert.equal(status, 126)
    assert.match(stderr, /getppid/)
  })
})
