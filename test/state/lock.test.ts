import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'
import { openDatabase } from '../../src/state/database.ts'
import { acquireLock, tryLock } from '../../src/state/lock.ts'
import { scratchDirectory } from '../support/scratch.ts'

const run = promisify(execFile)

describe('a named lock', () => {
  it('keeps a second one out until it is released', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    using mine = openDatabase(path)
    using yours = openDatabase(path)
    const lock = await acquireLock(mine, 'layer')

    assert.equal(tryLock(yours, 'layer'), undefined)
    assert.notEqual(tryLock(yours, 'another layer'), undefined)
    const waiting = acquireLock(yours, 'layer')
    lock.release()
    ;(await waiting).release()
    assert.notEqual(tryLock(mine, 'layer'), undefined)
  })

  it('tells once that it has to wait, and stops waiting when it is told to', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    using database = openDatabase(path)
    using _ = await acquireLock(database, 'layer')
    const stop = new AbortController()
    let told = 0
    const waiting = acquireLock(database, 'layer', {
      signal: stop.signal,
      onWait: () => {
        told++
        stop.abort(new Error('enough'))
      },
    })
    await assert.rejects(waiting, /enough/)
    assert.equal(told, 1)
  })

  it('is taken over from a process that died with it', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    const module = (name: string) => JSON.stringify(join(import.meta.dirname, '../../src/state', name))
    const script = `import { openDatabase } from ${module('database.ts')}
      import { tryLock } from ${module('lock.ts')}
      tryLock(openDatabase(${JSON.stringify(path)}), 'layer')
      process.kill(process.pid, 'SIGKILL')`
    await assert.rejects(run(process.execPath, ['--input-type=module', '-e', script]), { signal: 'SIGKILL' })

    using database = openDatabase(path)
    assert.equal(database.prepare('SELECT count(*) AS held FROM locks').get()?.['held'], 1)
    assert.notEqual(tryLock(database, 'layer'), undefined)
  })

  it('released late does not take the lock from its next holder', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    using database = openDatabase(path)
    const first = await acquireLock(database, 'layer')
    first.release()
    using _ = await acquireLock(database, 'layer')
    first.release()
    assert.equal(tryLock(database, 'layer'), undefined)
  })
})
