import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

type Step = readonly [waitFor: string, type: string | { readonly size: readonly [number, number] }]

let coracle: Coracle

/** `coracle run ARGS` on a terminal of 33 rows and 101 columns, with somebody typing. */
function onTerminal(args: readonly string[], steps: readonly Step[]): { status: number | null; seen: string } {
  const pty = join(import.meta.dirname, '../support/on-terminal.py')
  const command = [pty, JSON.stringify(steps), join(packageRoot, 'bin/coracle'), 'run', ...args]
  const { status, stdout } = spawnSync('python3', command, { env: coracle.env, encoding: 'utf8' })
  return { status, seen: stdout }
}

describe('coracle run -it', function () {
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

  it('gives the container a terminal of the size of ours, and follows it', () => {
    const { status, seen } = onTerminal(
      [
        '--rm',
        '-it',
        IMAGE,
        'sh',
        '-c',
        'tty; stty size; until [ "$(stty size)" = "40 120" ]; do sleep 0.02; done; exit 4',
      ],
      [['33 101', { size: [40, 120] }]],
    )
    assert.equal(status, 4, seen)
    assert.match(seen, /\/dev\/pts\/0/)
    assert.match(seen, /33 101/)
    assert.match(seen, /\[terminal restored\]/)
  })

  it('sends Ctrl-C to the program, not to itself', () => {
    const { status, seen } = onTerminal(
      ['--rm', '-it', IMAGE, 'sh', '-c', 'trap "echo caught; exit 6" INT; echo ready; while true; do sleep 0.1; done'],
      [['ready', '\x03']],
    )
    assert.equal(status, 6, seen)
    assert.match(seen, /caught/)
  })

  it('leaves the container running at Ctrl-P Ctrl-Q, with the terminal as it was', () => {
    const { status, seen } = onTerminal(
      ['--name', 'left', '-it', IMAGE, 'sh', '-c', 'echo ready; sleep 1000'],
      [['ready', '\x10\x11']],
    )
    assert.equal(status, 0, seen)
    assert.match(seen, /\[terminal restored\]/)
    assert.match(coracle.output('ps'), /left/)
    coracle.output('rm', '-f', 'left')
  })

  it('takes other keys to leave by', () => {
    const { status } = onTerminal(
      ['--name', 'left', '--detach-keys', 'ctrl-x', '-it', IMAGE, 'sh', '-c', 'echo ready; sleep 1000'],
      [['ready', '\x18']],
    )
    assert.equal(status, 0)
    coracle.output('rm', '-f', 'left')
  })

  it('refuses without a terminal, in docker’s words', () => {
    const { status, stderr } = coracle.run(['run', '--rm', '-it', IMAGE, 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /the input device is not a TTY/)
  })

  it('has a terminal without input for -t alone', () => {
    assert.match(
      coracle.run(['run', '--rm', '-t', IMAGE, 'sh', '-c', 'tty; echo $TERM']).stdout,
      /\/dev\/pts\/0\r\nxterm/,
    )
  })
})
