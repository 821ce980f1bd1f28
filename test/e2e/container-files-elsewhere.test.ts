import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { directory, file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'
import { moduleFromText } from '../support/wasm.ts'

const USER = 'coracle-files'
const MODULE = '(module (memory (export "memory") 1) (func (export "_start")))'

describe('the files of an ordinary user’s containers', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let uid = 0

  before(function () {
    needsRoot(this) // to make the ordinary user
    if (spawnSync('useradd', ['--create-home', USER]).status !== 0) {
      console.log('skipped: cannot make a user for this test')
      this.skip()
    }
    const id = (flag: string) => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }))
    uid = id('-u')
    coracle = openCoracle({ uid, gid: id('-g') })
  })
  after(() => {
    coracle?.close()
    spawnSync('userdel', ['--remove', USER])
  })

  it('are copied, compared, exported and committed like root’s, with the ids of the container', function () {
    if (!readFileSync('/etc/subuid', 'utf8').includes(`${USER}:`)) {
      console.log('skipped: this host grants no subordinate ids')
      this.skip()
    }
    const local = join(coracle.directory, 'local')
    execFileSync('su', [USER, '-s', '/bin/sh', '-c', `echo text > ${coracle.directory}/root/local`])
    const script = 'echo x > /g; chown 33:33 /g; chmod 600 /g; rm /etc/group; touch /done; exec sleep 1000'
    const id = coracle.output('run', '-d', IMAGE, 'sh', '-c', script)
    coracle.output('exec', id, 'sh', '-c', 'until test -e /done; do :; done')
    for (const state of ['running', 'stopped']) {
      coracle.output('cp', join(coracle.directory, 'root/local'), `${id}:/tmp/${state}`)
      const tar = coracle.run(['cp', `${id}:/g`, '-'])
      assert.match(
        execFileSync('tar', ['tvn'], { input: tar.stdout, encoding: 'utf8' }),
        /^-rw-------\s+33\/33 /,
        tar.stderr,
      )
      const back = join(coracle.directory, 'root', `back-${state}`)
      coracle.output('cp', `${id}:/g`, back)
      assert.deepEqual([readFileSync(back, 'utf8'), statSync(back).uid], ['x\n', uid])
      assert.match(coracle.output('diff', id), /D \/etc\/group\nA \/g\n/)
      if (state === 'running') coracle.output('stop', '-t', '0', id)
    }
    coracle.output('commit', id, 'mine:1')
    const check = 'stat -c %u /g; cat /tmp/stopped; test -e /etc/group || echo gone'
    assert.equal(coracle.output('run', '--rm', 'mine:1', 'sh', '-c', check), '33\ntext\ngone')
    const exported = join(coracle.directory, 'root', 'x.tar')
    coracle.output('export', '-o', exported, id)
    assert.match(execFileSync('tar', ['tvnf', exported], { encoding: 'utf8' }), /33\/33 .* g\n/)
    assert(!existsSync(local))
  })
})

describe('the files of WebAssembly containers', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let id = ''

  before(async function () {
    needsRoot(this)
    const module = await moduleFromText(MODULE)
    coracle = openCoracle()
    const tar = join(coracle.directory, 'wasm.tar')
    writeFileSync(tar, tarOf([directory('data'), file('data/f', 'of the image'), file('app.wasm', module, 0o755)]))
    writeFileSync(join(coracle.directory, 'bare.wasm'), module)
    coracle.output('import', '--platform', 'wasi/wasm', '-c', 'ENTRYPOINT ["/app.wasm"]', tar, 'wasm:test')
    id = coracle.output('create', 'wasm:test')
  })
  after(() => coracle?.close())

  it('are those of the image at first: copied out and exported, compared with themselves', () => {
    coracle.output('cp', `${id}:/data`, join(coracle.directory, 'data'))
    assert.equal(readFileSync(join(coracle.directory, 'data/f'), 'utf8'), 'of the image')
    const exported = coracle.run(['export', id])
    assert(exported.stdout.includes('of the image'))
    assert.equal(coracle.output('diff', id), '')
  })

  it('take files in, which an image can be made of', () => {
    coracle.output('cp', join(coracle.directory, 'wasm.tar'), `${id}:/data/new`)
    assert.equal(coracle.output('diff', id), 'C /data\nA /data/new')
    coracle.output('commit', id, 'wasm:more')
    const again = coracle.output('create', 'wasm:more')
    assert.equal(spawnSync('tar', ['t'], { input: copied(again, '/data/new') }).stdout.toString(), 'new\n')
  })

  it('are there beside a bare module too, but make no image', () => {
    const bare = coracle.output('create', './bare.wasm')
    coracle.output('cp', join(coracle.directory, 'wasm.tar'), `${bare}:/new`)
    assert.equal(coracle.output('diff', bare), 'A /new')
    const { status, stderr } = coracle.run(['commit', bare])
    assert.equal(status, 1)
    assert.match(stderr, /WebAssembly module alone: no image lies below/)
  })

  const copied = (container: string, path: string) => coracle.run(['cp', `${container}:${path}`, '-']).stdout
})

describe('the files of a container that runc runs', function () {
  this.timeout(120_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    if (spawnSync('runc', ['--version']).status !== 0) {
      console.log('skipped: runc is not installed')
      this.skip()
    }
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  it('are got at like those of our own', async () => {
    const id = coracle.output(
      'run',
      '-d',
      '--runtime',
      'runc',
      '-v',
      '/v',
      IMAGE,
      'sh',
      '-c',
      'echo x > /v/f; echo y > /g; exec sleep 1000',
    )
    const local = join(coracle.directory, 'local')
    writeFileSync(local, 'text')
    await eventually('it has written', () => coracle.run(['cp', `${id}:/g`, '-']).stdout.includes('y'))
    coracle.output('cp', `${id}:/v/f`, join(coracle.directory, 'f'))
    assert.equal(readFileSync(join(coracle.directory, 'f'), 'utf8'), 'x\n')
    coracle.output('cp', local, `${id}:/v/in`)
    coracle.output('rm', '-f', coracle.output('create', IMAGE))
    assert.match(coracle.output('diff', id), /^A \/g$/m)
    coracle.output('rm', '-f', id)
  })
})
