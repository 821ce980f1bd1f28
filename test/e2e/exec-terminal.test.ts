import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, eventually, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

type Step = readonly [waitFor: string, type: string | { readonly size: readonly [number, number] }]

/** Input and sizes travel on connections of their own: which comes first is nobody's promise. */
const UNTIL_RESIZED = 'while [ "$(stty size)" = "33 101" ]; do sleep 0.1; done'

let coracle: Coracle

/** `coracle ARGS` on a terminal of 33 rows and 101 columns, with somebody typing. */
function onTerminal(args: readonly string[], steps: readonly Step[]): { status: number | null; seen: string } {
  const pty = join(import.meta.dirname, '../support/on-terminal.py')
  const command = [pty, JSON.stringify(steps), join(packageRoot, 'bin/coracle'), ...args]
  const { status, stdout } = spawnSync('python3', command, { env: coracle.env, encoding: 'utf8' })
  return { status, seen: stdout }
}

describe('coracle at a terminal', function () {
  this.timeout(60_000)

  before(function () {
    needsRoot(this)
    if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
      console.log('skipped: the tests of terminals need python3')
      this.skip()
    }
    coracle = openCoracle()
  })
  after(() => coracle?.close())
  afterEach(async () => {
    coracle?.run(['rm', '-f', 'box'])
    await eventually('nothing is left', () => (coracle?.leftovers() ?? []).length === 0)
  })

  const start = (...flags: string[]) => coracle.output('run', '-d', '--name', 'box', '--network', 'none', ...flags)

  describe('exec -it', () => {
    it('has a terminal of the size of ours, and follows it', () => {
      start(IMAGE, 'sleep', '1000')
      const { status, seen } = onTerminal(
        ['exec', '-it', 'box', 'sh', '-c', `tty; stty size; ${UNTIL_RESIZED}; stty size; exit 4`],
        [['33 101', { size: [40, 120] }]],
      )
      assert.equal(status, 4, seen)
      assert.match(seen, /\/dev\/pts\/0[\s\S]*40 120[\s\S]*\[terminal restored\]/)
    })

    it('is a session of its own: the shell controls jobs, and Ctrl-C is for the program', () => {
      start(IMAGE, 'sleep', '1000')
      const { status, seen } = onTerminal(
        ['exec', '-it', 'box', 'sh'],
        [
          ['# ', 'sh -c "echo \\$((6 * 7)); exec sleep 100"\r'],
          ['\n42', '\x03'],
          ['# ', 'echo still $((40 + 2))\r'],
          ['still 42', 'exit 6\r'],
        ],
      )
      assert.equal(status, 6, seen)
      assert.doesNotMatch(seen, /job control/)
    })

    it('leaves the program running at the detach keys', async () => {
      const id = start(IMAGE, 'sleep', '1000')
      const { status, seen } = onTerminal(
        ['exec', '-it', '--detach-keys', 'ctrl-x', 'box', 'sh', '-c', 'echo ready; sleep 1; echo done > /tmp/done'],
        [['ready', '\x18']],
      )
      assert.equal(status, 0, seen)
      assert.match(seen, /read escape sequence[\s\S]*\[terminal restored\]/)
      const done = () => coracle.run(['exec', 'box', 'cat', '/tmp/done']).stdout === 'done\n'
      await eventually('the program has gone on', done)
      assert.notEqual(id, '')
    })
  })

  describe('attach', () => {
    it('types into the container, redraws at the right size, and ends as it ends', () => {
      start('-it', IMAGE, 'sh')
      const { status, seen } = onTerminal(
        ['attach', 'box'],
        [
          ['', '\r'],
          ['# ', 'stty size\r'],
          ['33 101', 'exit 8\r'],
        ],
      )
      assert.equal(status, 8, seen)
      assert.match(seen, /\[terminal restored\]/)
    })

    it('leaves the container running at Ctrl-P Ctrl-Q', () => {
      start('-it', IMAGE, 'sh')
      const { status, seen } = onTerminal(
        ['attach', 'box'],
        [
          ['', '\r'],
          ['# ', '\x10\x11'],
        ],
      )
      assert.equal(status, 0, seen)
      assert.match(seen, /read escape sequence[\s\S]*\[terminal restored\]/)
      assert.match(coracle.output('ps'), /box/)
    })

    it('needs a terminal for the input of one', () => {
      start('-it', IMAGE, 'sh')
      assert.match(coracle.run(['attach', 'box']).stderr, /the input device is not a TTY/)
    })
  })

  describe('debug', () => {
    it('opens a shell by itself', () => {
      start(IMAGE, 'sleep', '1000')
      const { status, seen } = onTerminal(
        ['debug', '--image', IMAGE, 'box'],
        [
          ['# ', 'ls -d /container/bin; tty\r'],
          ['/dev/pts/0', 'exit 3\r'],
        ],
      )
      assert.equal(status, 3, seen)
      assert.match(seen, /\/container\/bin/)
    })
  })
})
