import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, eventually, eventuallyAttached, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

let coracle: Coracle

function start(...words: string[]): string {
  return coracle.output('run', '-d', '--name', 'box', '--network', 'none', ...words)
}

/** One that is attached, and what it prints. */
function attach(...flags: string[]) {
  const child = coracle.start(['attach', ...flags, 'box'])
  const { stdout, stderr, stdin } = child
  assert(stdout !== null && stderr !== null && stdin !== null)
  return { child, stdin, output: text(stdout), ended: once(child, 'close').then(([status]) => status as number) }
}

describe('coracle attach and top', function () {
  this.timeout(60_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())
  afterEach(async () => {
    coracle?.run(['rm', '-f', 'box'])
    await eventually('nothing is left', () => (coracle?.leftovers() ?? []).length === 0)
  })

  describe('attach', () => {
    it('shows several at once what comes, and ends for each as the container ends', async () => {
      start('-i', IMAGE, 'sh', '-c', 'read line; echo "got $line"; exit 5')
      const [one, other] = [attach(), attach('--no-stdin')]
      await eventuallyAttached(coracle, coracle.output('ps', '-q', '--no-trunc'), 2)
      one.stdin.write('a word\n')
      assert.deepEqual(await Promise.all([one.output, other.output]), ['got a word\n', 'got a word\n'])
      assert.deepEqual(await Promise.all([one.ended, other.ended]), [5, 5])
    })

    it('passes signals on, unless it is not to', async () => {
      start(IMAGE, 'sh', '-c', 'trap "echo caught; exit 6" TERM; while :; do sleep 0.1; done')
      const silent = attach('--sig-proxy=false')
      const { child, ended, output } = attach()
      await eventuallyAttached(coracle, coracle.output('ps', '-q', '--no-trunc'), 2)
      silent.child.kill('SIGTERM')
      await silent.ended
      assert.match(coracle.output('ps'), /box/)
      child.kill('SIGTERM')
      assert.equal(await ended, 6)
      assert.equal(await output, 'caught\n')
    })

    it('says in docker’s words what cannot be attached to', () => {
      start(IMAGE, 'sleep', '1000')
      coracle.output('pause', 'box')
      const paused = coracle.run(['attach', 'box'])
      assert.equal(paused.status, 1)
      assert.match(paused.stderr, /You cannot attach to a paused container, unpause it first/)
      coracle.output('unpause', 'box')
      coracle.output('stop', '-t', '0', 'box')
      const stopped = coracle.run(['attach', 'box'])
      assert.match(stopped.stderr, /You cannot attach to a stopped container, start it first/)
    })
  })

  describe('top', () => {
    it('lists the processes of the container and no others, in docker’s columns', async () => {
      start(IMAGE, 'sh', '-c', 'sleep 994.5 & sleep 994.25; true')
      await eventually('both run', () => (coracle.output('top', 'box').match(/ sleep 994\.\d+$/gm) ?? []).length === 2)
      const [heading = '', ...lines] = coracle.output('top', 'box').split('\n')
      assert.equal(heading.replaceAll(/ +/g, ' '), 'UID PID PPID C STIME TTY TIME CMD')
      assert.deepEqual(lines.map((line) => line.slice(140)).sort(), [
        'sh -c sleep 994.5 & sleep 994.25; true',
        'sleep 994.25',
        'sleep 994.5',
      ])
    })

    it('shows what an exec has started, and takes options of ps', () => {
      start(IMAGE, 'sleep', '1000')
      coracle.output('exec', '-d', 'box', 'sleep', '993.5')
      const lines = coracle.output('top', 'box', '-o', 'pid,args').split('\n')
      assert.equal(lines.length, 3)
      assert(lines.some((line) => line.endsWith('sleep 993.5')))
    })

    it('works on a host without ps', () => {
      start(IMAGE, 'sleep', '1000')
      const env = { PATH: '/nowhere', CORACLE_NODE: process.execPath }
      const { stdout, stderr } = coracle.run(['top', 'box'], { env })
      assert.match(stdout, /^UID .*CMD\nroot +\d+ .*sleep 1000\n$/, stderr)
      assert.match(coracle.run(['top', 'box', 'aux'], { env }).stderr, /this host has no ps/)
    })

    it('refuses a container that does not run', () => {
      start(IMAGE, 'true')
      coracle.run(['wait', 'box'])
      assert.match(coracle.run(['top', 'box']).stderr, /is not running/)
    })
  })
})
