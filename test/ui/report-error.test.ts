import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import { Cancelled, HostUnsupported, InvalidArgument } from '../../src/errors.ts'
import { SomeTargetsFailed, UsageError } from '../../src/ui/errors.ts'
import { reportError } from '../../src/ui/report-error.ts'

function report(error: unknown, options: { isTTY?: boolean; failureStatus?: number } = {}) {
  let text = ''
  const stream = { isTTY: options.isTTY ?? false, write: (part: string) => (text += part) }
  const status = reportError(error, stream, options.failureStatus)
  return { text, status }
}

describe('reportError', () => {
  afterEach(() => {
    delete process.env['CORACLE_DEBUG']
  })

  it('prints one line and the hint, and no stack trace', () => {
    const { text, status } = report(new HostUnsupported('no overlay', { hint: 'load the module' }))
    assert.equal(text, 'coracle: no overlay\nload the module\n')
    assert.equal(status, 1)
  })

  it('shows where it comes from, and why, when asked to', () => {
    process.env['CORACLE_DEBUG'] = '1'
    const { text } = report(new InvalidArgument('bad', { cause: new Error('the deeper reason') }))
    assert.match(text, /^coracle: bad\n/)
    assert.match(text, /at .*report-error\.test\.ts/)
    assert.match(text, /caused by: Error: the deeper reason/)
  })

  it('uses the command’s own status where the error has none', () => {
    assert.equal(report(new InvalidArgument('bad'), { failureStatus: 125 }).status, 125)
    assert.equal(report(new Cancelled(), { failureStatus: 125 }).status, 130)
    assert.equal(report(new UsageError('bad', 1), { failureStatus: 125 }).status, 1)
    assert.equal(report(new UsageError('bad')).status, 125)
  })

  it('prints each of several failures', () => {
    const errors = [new InvalidArgument('one'), new HostUnsupported('two')]
    const { text, status } = report(new SomeTargetsFailed(errors))
    assert.equal(text, 'coracle: one\ncoracle: two\n')
    assert.equal(status, 1)
  })

  it('calls whatever is not ours a bug', () => {
    const { text } = report(new TypeError('x is not a function'))
    assert.match(text, /^coracle: internal error: x is not a function\nThis is a bug/)
  })

  it('takes an aborted operation for a cancelled one', () => {
    const { text, status } = report(new DOMException('aborted', 'AbortError'))
    assert.equal(text, 'coracle: cancelled\n')
    assert.equal(status, 130)
  })

  it('does not let a message move the cursor of a terminal', () => {
    assert.equal(report(new InvalidArgument('\u001b[2J'), { isTTY: true }).text, 'coracle: \\u001b[2J\n')
  })
})
