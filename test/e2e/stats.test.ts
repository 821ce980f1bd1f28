import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

const BUSY = ['sh', '-c', 'while :; do :; done']
// (module (memory (export "memory") 1) (func (export "_start") (loop br 0)))
const BUSY_MODULE =
  '0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a09010700' + '03400c000b0b'

interface Shown {
  readonly process: ChildProcess
  text(): string
}

describe('coracle stats', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    coracle.output('run', '-d', '--name', 'busy', '-m', '64m', IMAGE, ...BUSY)
  })
  after(() => coracle?.close())

  const fields = (format: string, ...names: string[]) =>
    coracle.output('stats', '--no-stream', '--format', format, ...names).split('\n')

  /** On a terminal, until Ctrl-C is typed. */
  function watch(...names: string[]): Shown {
    const program = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'
    const command = ['-c', program, join(packageRoot, 'bin/coracle'), 'stats', ...names]
    const child = spawn('python3', command, { env: coracle.env, stdio: ['pipe', 'pipe', 'inherit'] })
    let seen = ''
    child.stdout.on('data', (data: Buffer) => (seen += data.toString().replaceAll('\u001b', '<ESC>')))
    return { process: child, text: () => seen }
  }

  /** What the last painting shows. */
  const painted = ({ text }: Shown) => text().split('<ESC>[H').at(-1) ?? ''

  it('paints over itself at a terminal, lets containers come and go, and gives the cursor back at Ctrl-C', async function () {
    if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
      console.log('skipped: this test needs python3 for a terminal')
      this.skip()
    }
    const shown = watch()
    try {
      await eventually('the first table', () => / busy /.test(painted(shown)))
      assert.match(shown.text(), /^<ESC>\[\?25l/, 'the cursor is hidden')
      coracle.output('run', '-d', '--name', 'late', IMAGE, 'sleep', '1000')
      await eventually('the new container', () => / late [\s\S]* busy /.test(painted(shown)))
      coracle.output('rm', '-f', 'late')
      await eventually(
        'it is gone',
        () => / busy .*<ESC>\[K\r\n<ESC>\[J$/.test(painted(shown)) && !/ late /.test(painted(shown)),
      )
    } finally {
      shown.process.stdin?.write('\x03')
    }
    await once(shown.process, 'exit')
    assert.match(shown.text(), /<ESC>\[\?25h[^<]*$/, 'the cursor is there again')
  })

  it('has docker’s fields, in the order of the names, also of what does not run', () => {
    coracle.output('create', '--name', 'idle', IMAGE, 'true')
    const id = coracle.output('inspect', '--format', '{{.Id}}', 'busy')
    assert.deepEqual(fields('{{.Container}} {{.ID}} {{.Name}}', 'idle', id.slice(0, 5)), [
      `idle ${coracle.output('inspect', '--format', '{{.Id}}', 'idle').slice(0, 12)} idle`,
      `${id.slice(0, 5)} ${id.slice(0, 12)} busy`,
    ])
    assert.deepEqual(fields('{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}', 'idle'), [
      '0.00% 0B / 0B 0.00% 0B / 0B 0B / 0B 0',
    ])
    assert.deepEqual(fields('{{.Name}}'), ['busy'])
    assert.equal(coracle.output('stats', '-a', '--no-stream', '--no-trunc', '--format', '{{.ID}}').split('\n')[1], id)
    const [document = ''] = fields('json', 'busy')
    assert.deepEqual(Object.keys(JSON.parse(document) as object), [
      'BlockIO',
      'CPUPerc',
      'Container',
      'ID',
      'MemPerc',
      'MemUsage',
      'Name',
      'NetIO',
      'PIDs',
    ])
  })

  it('counts the memory that programs hold, and not the cache of files that nobody reads any more', () => {
    const write = 'head -c 20000000 /dev/zero > /big; cat /big > /dev/null; echo done; sleep 1000'
    coracle.output('run', '-d', '--name', 'writer', '-m', '64m', IMAGE, 'sh', '-c', write)
    coracle.run(['exec', 'writer', 'sh', '-c', 'until [ "$(stat -c %s /big)" = 20000000 ]; do sleep 0.05; done'])
    const [used = ''] = fields('{{.MemPerc}}', 'writer')
    assert(Number.parseFloat(used) < 20, `${used} of 64 MB: the 20 MB of the file are not among them`)
    coracle.output('rm', '-f', 'writer')
  })

  it('measures WebAssembly as well', () => {
    writeFileSync(join(coracle.directory, 'loop.wasm'), Buffer.from(BUSY_MODULE, 'hex'))
    coracle.output('run', '-d', '--name', 'module', './loop.wasm')
    const [row = ''] = fields('{{.CPUPerc}} {{.MemUsage}}', 'module')
    assert.match(row, /^(?!0\.00)[\d.]+% [\d.]+MiB \/ [\d.]+GiB$/)
    coracle.output('rm', '-f', 'module')
  })

  it('measures what a foreign runtime runs', function () {
    if (spawnSync('runc', ['--version']).status !== 0) {
      console.log('skipped: runc is not installed')
      this.skip()
    }
    coracle.output('run', '-d', '--name', 'foreign', '--runtime', 'runc', '-m', '32m', IMAGE, ...BUSY)
    const [row = ''] = fields('{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'foreign')
    assert.match(row, /^(?!0\.00)[\d.]+% [\d.]+[KM]iB \/ 32MiB 1$/)
    coracle.output('rm', '-f', 'foreign')
  })
})

describe('coracle stats of an ordinary user', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this) // to become another user
    coracle = openCoracle({ uid: 65_534, gid: 65_534 })
  })
  after(() => coracle?.close())

  it('counts the processes of containers, with control groups or without', () => {
    coracle.output('run', '-d', '--name', 'busy', IMAGE, ...BUSY)
    const shown = coracle.output('stats', '--no-stream', '--format', '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'busy')
    assert.match(shown, /^(?!0\.00)[\d.]+% [1-9][\d.]*[KM]iB \/ [\d.]+GiB 1$/)
  })

  it('shows no traffic of the host as that of a WebAssembly container', () => {
    writeFileSync(join(coracle.directory, 'loop.wasm'), Buffer.from(BUSY_MODULE, 'hex'))
    coracle.output('run', '-d', '--name', 'module', './loop.wasm')
    const shown = coracle.output('stats', '--no-stream', '--format', '{{.CPUPerc}} {{.NetIO}}', 'module')
    assert.match(shown, /^(?!0\.00)[\d.]+% 0B \/ 0B$/)
  })
})
