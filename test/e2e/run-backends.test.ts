import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'

let coracle: Coracle
const run = (...args: string[]) => coracle.run(['run', '--rm', ...args])

describe('coracle run --runtime', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  it('runs the same bundle with runc, and leaves nothing behind', function () {
    needsProgram(this, 'runc')
    const { status, stdout, stderr } = run(
      '--runtime',
      'runc',
      '-h',
      'here',
      '-e',
      'A=1',
      IMAGE,
      'sh',
      '-c',
      'hostname; echo $A; id -u; exit 3',
    )
    assert.equal(status, 3, stderr)
    assert.equal(stdout, 'here\n1\n0\n')
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('runs it in the kernel of gVisor with runsc, whose network it chooses', function () {
    needsProgram(this, 'runsc')
    const { status, stdout, stderr } = run(
      '--runtime',
      'runsc',
      '--network',
      'none',
      IMAGE,
      'sh',
      '-c',
      'ls /sys/class/net; exit 3',
    )
    assert.equal(status, 3, stderr)
    assert.doesNotMatch(stdout, /eth/)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('mounts volumes for a runtime, and refuses what that would leave out without a word', function () {
    needsProgram(this, 'runc')
    const runc = (...words: string[]) => run('--runtime', 'runc', '--network', 'none', ...words)
    assert.equal(runc('-v', 'data:/etc', IMAGE, 'sh', '-c', 'rm /etc/group; ls /etc').stdout, 'passwd\n')
    assert.equal(runc('-v', 'data:/etc:O', IMAGE, 'sh', '-c', 'rm /etc/passwd; ls /etc').stdout, '')
    assert.equal(runc('-v', 'data:/d', IMAGE, 'ls', '/d').stdout, 'passwd\n')
    assert.match(runc('-v', 'data:/d:idmap', IMAGE).stderr, /idmap does not go with --runtime runc/)
    assert.match(
      runc('--mount', 'source=data,target=/d,volume-subpath=x', IMAGE).stderr,
      /volume-subpath does not go with/,
    )
    coracle.output('volume', 'rm', 'data')
  })

  it('says before it starts what a runtime does not do', function () {
    needsProgram(this, 'runc')
    const { status, stderr } = run('--runtime', 'runc', '--init', IMAGE, 'true')
    assert.equal(status, 125)
    assert.match(stderr, /--init/)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('says that a runtime is not installed', () => {
    const { status, stderr } = run('--runtime', 'no-such-runtime', IMAGE, 'true')
    assert.equal(status, 125)
    assert.match(stderr, /no-such-runtime/)
  })

  it('does not take WebAssembly to a runtime of processes', () => {
    writeFileSync(join(coracle.directory, 'x.wasm'), Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    assert.match(run('--runtime', 'runc', './x.wasm').stderr, /does not run WebAssembly/)
  })
})

describe('coracle run of WebAssembly', function () {
  this.timeout(120_000)
  let module = ''

  before(function () {
    needsRoot(this)
    needsProgram(this, 'clang')
    coracle = openCoracle()
    module = join(coracle.directory, 'hello.wasm')
    const { status, stderr } = spawnSync('sh', [join(packageRoot, 'examples/wasm/hello/build.sh'), module], {
      encoding: 'utf8',
    })
    if (status === 0) return
    console.log(`skipped: the example cannot be compiled: ${stderr}`)
    this.skip()
  })
  after(() => coracle?.close())

  it('runs a bare module with its arguments, without any image', () => {
    const { status, stdout, stderr } = run('./hello.wasm', 'argument')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /\S/)
  })

  it('runs an image for wasi/wasm, keeps its record, and lists it', () => {
    const tar = join(coracle.directory, 'wasm.tar')
    writeFileSync(tar, tarOf([file('hello.wasm', spawnSync('cat', [module]).stdout, 0o755)]))
    coracle.output('import', '--platform', 'wasi/wasm', '--change', 'ENTRYPOINT ["/hello.wasm"]', tar, 'hello:wasm')

    const { status, stdout, stderr } = coracle.run(['run', '--name', 'wasm', '--platform', 'wasi/wasm', 'hello:wasm'])

    assert.equal(status, 0, stderr)
    assert.match(stdout, /\S/)
    assert.match(coracle.output('ps', '-a'), /hello:wasm.*Exited \(0\).*wasm/)
    coracle.output('rm', 'wasm')
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('ends with 134 when the module traps', () => {
    // (module (memory (export "memory") 1) (func (export "_start") unreachable))
    const trap =
      '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a05010300000b'
    writeFileSync(join(coracle.directory, 'trap.wasm'), Buffer.from(trap, 'hex'))
    const { status, stderr } = run('./trap.wasm')
    assert.equal(status, 134, stderr)
    assert.match(stderr, /unreachable/)
  })

  it('says that a file is no module', () => {
    writeFileSync(join(coracle.directory, 'text.wasm'), 'no module')
    assert.notEqual(run('./text.wasm').status, 0)
    assert.match(run('./missing.wasm').stderr, /no such file/)
  })
})

function needsProgram(context: Context, program: string): void {
  if (spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) return
  console.log(`skipped: ${program} is not installed`)
  context.skip()
}
