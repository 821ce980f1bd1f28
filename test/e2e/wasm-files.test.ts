/** What files a WebAssembly container has: its image's, what it writes, and what is mounted. */
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { fileModule } from '../support/file-module.ts'
import { directory, file, tarOf } from '../support/images.ts'
import { needsRoot } from '../support/needs-root.ts'

const LABELLED = ['-c', 'ENTRYPOINT ["/app.wasm"]', '-c', 'VOLUME /kept']

describe('the files of a module', function () {
  this.timeout(120_000)
  let coracle: Coracle
  before(async function () {
    needsRoot(this)
    const module = await fileModule()
    coracle = openCoracle()
    const entries = [directory('data'), file('data/f', 'of the image\n'), directory('kept'), file('kept/k', 'first\n')]
    const tar = join(coracle.directory, 'app.tar')
    writeFileSync(tar, tarOf([...entries, file('app.wasm', module, 0o755)]))
    coracle.output('import', '--platform', 'wasi/wasm', ...LABELLED, tar, 'app')
    writeFileSync(join(coracle.directory, 'app.wasm'), module)
    mkdirSync(join(coracle.directory, 'host'))
    writeFileSync(join(coracle.directory, 'host/h'), 'of the host\n')
  })
  after(() => coracle?.close())

  const run = (flags: readonly string[], ...words: readonly string[]) =>
    coracle.output('run', '--rm', ...flags, 'app', ...words).split('\n')
  const host = () => join(coracle.directory, 'host')

  it('stay when it stops, and are what diff, cp, commit and export see', () => {
    coracle.output('run', '--name', 'writer', 'app', 'w:/new', 'u:/data/f', 'r:/data/f')
    assert.equal(coracle.output('diff', 'writer'), 'C /data\nD /data/f\nA /new')
    assert.match(coracle.output('start', '-a', 'writer'), /^w:\/new: ok\nu:\/data\/f: No such file/)
    coracle.output('cp', 'writer:/new', 'copied')
    assert.equal(readFileSync(join(coracle.directory, 'copied'), 'utf8'), 'written\n')
    coracle.output('commit', 'writer', 'more')
    assert.deepEqual(coracle.output('run', '--rm', 'more', 'r:/new', 'l:/data').split('\n'), [
      'r:/new: written',
      'l:/data: ',
    ])
    coracle.output('rm', '-v', 'writer')
  })

  it('have volumes and binds in the same tree, read-only where that is asked for', () => {
    const flags = ['-v', `${host()}:/data/host`, '-v', `${host()}:/ro:ro`, '--tmpfs', '/tmp', '-v', 'named:/kept']
    assert.deepEqual(
      run(flags, 'r:/data/host/h', 'l:/data', 'w:/ro/x', 'r:/ro/h', 'w:/tmp/t', 'l:/kept', 'w:/kept/n'),
      [
        'r:/data/host/h: of the host',
        'l:/data: f host',
        'w:/ro/x: Read-only file system',
        'r:/ro/h: of the host',
        'w:/tmp/t: ok',
        'l:/kept: k',
        'w:/kept/n: ok',
      ],
    )
    assert.deepEqual(run(['--mount', 'source=named,target=/v,volume-subpath=n'], 'r:/v'), ['r:/v: written'])
  })

  it('are given by the names of what is mounted as well, each closed towards what lies above it', () => {
    const flags = ['-v', `${host()}:/deep/host`, '-v', `${host()}/h:/file:ro`]
    const given = 'p:: / /kept /deep/host'
    assert.deepEqual(
      run(flags, 'p:', 'r:/deep/host/h', 'r:/file', 'r:/deep/host/../host/h', 's:/data/f>/deep/host/l'),
      [
        given,
        'r:/deep/host/h: of the host',
        'r:/file: of the host',
        'r:/deep/host/../host/h: Capabilities insufficient',
        's:/data/f: ok',
      ],
    )
    // Where an absolute link leads is the container's, not the host's.
    assert.deepEqual(run(flags, 'r:/deep/host/l', 'u:/deep/host/l'), [
      'r:/deep/host/l: of the image',
      'u:/deep/host/l: ok',
    ])
  })

  it('come with the variables of image and user, and none of those that native programs have', () => {
    const names = ['e:PATH', 'e:HOSTNAME', 'e:HOME', 'e:A']
    assert.deepEqual(run(['-e', 'A=1'], ...names), ['e:PATH: (none)', 'e:HOSTNAME: (none)', 'e:HOME: (none)', 'e:A: 1'])
  })

  it('have the volumes that the image declares, filled from it', () => {
    coracle.output('run', '--name', 'declared', 'app', 'a:/kept/k')
    assert.deepEqual(coracle.output('run', '--rm', '--volumes-from', 'declared', 'app', 'l:/kept').split('\n'), [
      'l:/kept: k',
    ])
    assert.equal(coracle.output('diff', 'declared'), '')
    coracle.output('rm', '-v', 'declared')
  })

  it('cannot be changed with --read-only, but volumes can', () => {
    assert.deepEqual(run(['--read-only', '-v', `${host()}:/host`], 'w:/x', 'r:/data/f', 'w:/host/x'), [
      'w:/x: Read-only file system',
      'r:/data/f: of the image',
      'w:/host/x: ok',
    ])
  })

  it('belong to the user that -u names, who can change what is that user’s', () => {
    const theirs = join(coracle.directory, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, 1234, 1234)
    assert.deepEqual(run(['-v', `${theirs}:/t`], 'w:/t/x'), ['w:/t/x: Permission denied'])
    assert.deepEqual(run(['-v', `${theirs}:/t`, '-u', '1234:1234'], 'w:/t/x', 'w:/x'), [
      'w:/t/x: ok',
      'w:/x: Permission denied',
    ])
    assert.equal(statSync(join(theirs, 'x')).uid, 1234)
  })

  it('are renamed over the edge of a volume by copying only', () => {
    assert.deepEqual(run(['-v', `${host()}:/host`], 'm:/data/f>/host/f'), ['m:/data/f: Cross-device link'])
  })

  it('are those that are mounted, for a bare module', () => {
    const { stdout } = coracle.run([
      'run',
      '--rm',
      '-v',
      `${host()}:/deep/host`,
      './app.wasm',
      'l:/',
      'r:/deep/host/h',
      'w:/own',
      'l:/',
    ])
    assert.deepEqual(stdout.split('\n').slice(0, 4), [
      'l:/: deep',
      'r:/deep/host/h: of the host',
      'w:/own: ok',
      'l:/: deep own',
    ])
  })

  it('are in memory in the other engine, which refuses what it cannot mount and is kept by start', () => {
    const { status, stderr } = coracle.run(['run', '--rm', '--wasi-engine', 'wasmer', '-v', '/etc:/x', 'app'])
    assert.equal(status, 125)
    assert.match(stderr, /nothing can be mounted at \/x: .*\n.*--wasi-engine preview1/)
    coracle.output('run', '--name', 'memory', '--wasi-engine', 'wasmer', 'app', 'l:/data', 'w:/data/new')
    assert.equal(coracle.output('diff', 'memory'), '')
    assert.match(coracle.output('start', '-a', 'memory'), /^l:\/data: f\n/)
    coracle.output('rm', 'memory')
  })

  it('belong to an engine that native containers do not have', () => {
    const { status, stderr } = coracle.run(['run', '--rm', '--wasi-engine', 'preview1', 'busybox:test', 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /--wasi-engine is for WebAssembly/)
  })
})
