import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { directory, file, symlink, tarOf } from '../support/tar.ts'

const ATTEMPTS = 6
const SECRET = 'a file of the host'

describe('volumes, attacked', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let outside = ''

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    outside = join(coracle.directory, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'file'), SECRET)
    const tar = join(coracle.directory, 'hostile.tar')
    writeFileSync(tar, tarOf(hostileEntries(outside)))
    coracle.output('import', '--change', 'CMD ["sh"]', tar, 'hostile:test')
  })
  afterEach(() => {
    const ids = coracle.output('ps', '-aq').split('\n').filter(Boolean)
    if (ids.length > 0) coracle.output('rm', '-f', ...ids)
    const names = coracle.output('volume', 'ls', '-q').split('\n').filter(Boolean)
    if (names.length > 0) coracle.output('volume', 'rm', ...names)
    assert.deepEqual(readdirSync(outside), ['file'])
    assert.equal(readFileSync(join(outside, 'file'), 'utf8'), SECRET)
    assert.deepEqual(coracle.leftovers(), [])
  })
  after(() => coracle?.close())

  const pathOf = (volume: string) => coracle.output('volume', 'inspect', '--format', '{{.Mountpoint}}', volume)
  const filesOf = (path: string) =>
    execFileSync('find', [path, '-type', 'f', '-exec', 'cat', '{}', '+'], { encoding: 'utf8' })

  describe('by an image whose directories are links to the host', () => {
    for (const target of ['absolute', 'up', 'process', 'first', 'chain/in', 'self'])
      it(`are mounted at /${target} inside the container, or nowhere, and hold nothing of the host`, () => {
        const { status, stdout } = coracle.run([
          ...['run', '--rm', '-v', `data:/${target}`, 'hostile:test'],
          ...['sh', '-c', `echo written >/${target}/made && cat /${target}/made`],
        ])
        if (status === 0) assert.equal(stdout, 'written\n')
        assert.ok(!filesOf(pathOf('data')).includes(SECRET))
      })

    it('are nothing of the host where the image declares them there', () => {
      const { status } = coracle.run(['run', '--rm', '-v', '/absolute', '-v', '/up', 'hostile:test', 'true'])
      assert.ok(status === 0 || status === 125)
    })
  })

  describe('by a container that swaps a directory for a link to the host', () => {
    beforeEach(async () => {
      coracle.output('volume', 'create', 'data')
      const swap = [
        'cd /d; mkdir swapped; echo inside >swapped/file; touch started',
        `while :; do mv swapped away; ln -s ${outside} swapped; rm swapped; mv away swapped; done`,
      ].join('; ')
      coracle.output('run', '-d', '-v', `data:/d`, IMAGE, 'sh', '-c', swap)
      await eventually('it swaps', () => readdirSync(pathOf('data')).includes('started'))
    })

    it('are exported without what that leads to', () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1)
        assert.ok(!coracle.run(['volume', 'export', 'data']).stdout.includes(SECRET))
    })

    it('are cloned without it', () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const { status, stderr } = coracle.run(['volume', 'clone', 'data', `clone-${attempt}`])
        if (status === 0) assert.ok(!filesOf(pathOf(`clone-${attempt}`)).includes(SECRET))
        else assert.doesNotMatch(stderr, /internal error/)
      }
    })

    it('are imported into, and nothing outside of them is', () => {
      const tar = tarOf([directory('swapped'), file('swapped/file', 'hostile'), file('swapped/more', 'hostile')])
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        coracle.run(['volume', 'import', 'data', '-'], { input: tar })
        assert.deepEqual(readdirSync(outside), ['file'])
      }
    })
  })

  it('are filled from the image while a container puts links to the host in the way', async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const trap = `cd /d; touch started; rm started; while :; do ln -s ${outside} deep; rm -rf deep; done`
      coracle.output('run', '-d', '--name', 'trap', '-v', 'data:/d', IMAGE, 'sh', '-c', trap)
      coracle.output('create', '--name', 'filler', '-v', 'data:/seed', 'hostile:test', 'true')
      assert.deepEqual(readdirSync(outside), ['file'])
      coracle.output('rm', '-f', 'trap', 'filler')
      coracle.output('volume', 'rm', 'data')
    }
  })

  it('are one and the same when fifty containers want them at once, and full for each', async () => {
    const run = async (name: string) => {
      const child = coracle.start([
        'run',
        '--rm',
        '-v',
        'shared:/seed',
        'hostile:test',
        'sh',
        '-c',
        `cat /seed/deep/er/file; echo >/seed/${name}`,
      ])
      const said = Promise.all([child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream))))
      const [status] = (await once(child, 'close')) as [number | null]
      return { status, said: await said }
    }
    const names = Array.from({ length: 50 }, (_, index) => `by-${index}`)
    const outcomes = await Promise.all(names.map(run))
    for (const { status, said } of outcomes) assert.deepEqual([status, ...said], [0, 'deep', ''])
    assert.deepEqual(readdirSync(pathOf('shared')).sort(), ['deep', ...names].sort())
  })

  it('are made once when several commands make one of the same name', async () => {
    const create = async (number: number) => {
      const child = coracle.start(['volume', 'create', '--label', `by=${number}`, 'same'])
      return ((await once(child, 'close')) as [number | null])[0]
    }
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(create)), Array(8).fill(0))
    assert.equal(coracle.output('volume', 'ls', '-q'), 'same')
  })
})

function hostileEntries(outside: string): Parameters<typeof tarOf>[0] {
  return [
    ...['bin', 'proc', 'sys', 'tmp', 'dev', 'etc'].map((name) => directory(name)),
    file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }),
    ...['sh', 'cat', 'true'].map((name) => symlink(`bin/${name}`, 'busybox')),
    symlink('absolute', outside),
    symlink('up', `../../../../../../..${outside}`),
    symlink('process', `/proc/self/root${outside}`),
    symlink('first', `/proc/1/root${outside}`),
    symlink('chain', 'link'),
    symlink('link', `../..${join(outside, '..')}`),
    symlink('self', '/proc/self/cwd'),
    directory('seed'),
    directory('seed/deep'),
    directory('seed/deep/er'),
    file('seed/deep/er/file', 'deep'),
  ]
}
