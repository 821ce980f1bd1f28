import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { describe, it } from 'mocha'
import { isTerminal } from '../../../src/sandbox/preview1/terminal.ts'

describe('isTerminal', () => {
  it('knows a terminal from memory devices, files and pipes', () => {
    const kinds = ['/dev/ptmx', '/dev/null', '/dev/zero', import.meta.filename]
    const found = kinds.map((path) => {
      const fd = openSync(path, 'r')
      try {
        return isTerminal(fd)
      } finally {
        closeSync(fd)
      }
    })
    assert.deepEqual(found, [true, false, false, false])
  })
})
