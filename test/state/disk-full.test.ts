import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { DiskFull, explainDiskFull, isDiskFull } from '../../src/state/disk-full.ts'
import { scratchDirectory } from '../support/scratch.ts'

const failure = (fields: object) => Object.assign(new Error('failed'), fields)

describe('a full disk', () => {
  it('is told from other things that are full', () => {
    assert(isDiskFull(failure({ code: 'ENOSPC', syscall: 'write' })))
    assert(isDiskFull(failure({ code: 'EDQUOT' })))
    assert(isDiskFull(failure({ errcode: 13 })), 'SQLITE_FULL')
    assert(isDiskFull(failure({ errcode: 4874 })), 'SQLITE_IOERR_SHMSIZE')
    assert(!isDiskFull(failure({ code: 'ENOSPC', syscall: 'watch' })), 'no more watches')
    assert(!isDiskFull(failure({ code: 'ENOSPC', path: '/sys/fs/cgroup/cpuset/x/tasks' })), 'no processors')
    assert(!isDiskFull(failure({ code: 'ENOENT' })))
    assert(!isDiskFull(undefined))
  })

  it('is said with the path, what is free, and what to prune, also of a path that is gone', async () => {
    const path = join(await scratchDirectory(), 'not', 'there')
    const error = explainDiskFull(failure({ code: 'ENOSPC', path }), '/')
    assert(error instanceof DiskFull)
    assert.match(error.message, /^no space left on the device of \/.*\/not\/there: \d+ bytes are free$/)
    assert.match(error.hint ?? '', /coracle system prune/)
  })

  it('leaves every other failure as it is', () => {
    const other = new Error('something else')
    assert.equal(explainDiskFull(other, '/'), other)
  })
})
