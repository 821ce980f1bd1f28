import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { LogEntry } from '../../src/containers/types.ts'
import { openLogPrinter } from '../../src/ui/log-printer.ts'

function openStream(isTTY = false) {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) > 0, once: () => undefined }
}

const entry = (container: string, text: string, stream: LogEntry['stream'] = 'stdout'): LogEntry => ({
  container,
  text,
  stream,
  timeNs: 1_700_000_000_000_000_001n,
  details: { b: '2', a: 'x y' },
})

function print(
  entries: readonly LogEntry[],
  options: { several?: boolean; timestamps?: boolean; details?: boolean; isTTY?: boolean } = {},
) {
  const stdout = openStream(options.isTTY)
  const stderr = openStream()
  const write = openLogPrinter({ stdout, stderr, several: false, timestamps: false, details: false, ...options })
  for (const one of entries) void write(one)
  return { stdout: stdout.written.join(''), stderr: stderr.written.join('') }
}

describe('printed logs', () => {
  it('are what the container wrote, each stream to its own', () => {
    assert.deepEqual(print([entry('web', 'out\n'), entry('web', 'err\n', 'stderr'), entry('web', 'no end')]), {
      stdout: 'out\nno end',
      stderr: 'err\n',
    })
  })

  it('have times and details in front of lines, not in front of the pieces of one', () => {
    const { stdout } = print([entry('web', 'long '), entry('web', 'line\n'), entry('web', 'next\n')], {
      timestamps: true,
      details: true,
    })
    const front = '2023-11-14T22:13:20.000000001Z a=x%20y,b=2 '
    assert.equal(stdout, `${front}long line\n${front}next\n`)
  })

  it('have names in front of them when there are several containers, and never mix two lines', () => {
    const { stdout } = print([entry('web', 'half'), entry('db', 'whole\n')], { several: true })
    assert.equal(stdout, 'web | half\ndb | whole\n')
  })

  it('have coloured names at a terminal', () => {
    const { stdout } = print([entry('web', 'a\n'), entry('db', 'b\n')], { several: true, isTTY: true })
    assert.equal(stdout, '\u001b[36mweb | \u001b[0ma\n\u001b[33mdb | \u001b[0mb\n')
  })
})
