import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { openDatabase } from '../../src/state/database.ts'
import { latestEvent, logEvent, readEvents } from '../../src/state/events.ts'
import { scratchDirectory } from '../support/scratch.ts'

const open = async () => openDatabase(join(await scratchDirectory(), 'state.db'))

describe('stored events', () => {
  it('come back as they were told, after the one that is known already', async () => {
    using database = await open()
    logEvent(database, { type: 'image', action: 'pull', actor: 'a:1', attributes: { name: 'a' } })
    logEvent(database, { type: 'image', action: 'tag', actor: 'b' })
    const [first, second] = readEvents(database, 0)
    assert.deepEqual([first?.action, first?.actor, first?.attributes], ['pull', 'a:1', { name: 'a' }])
    assert.deepEqual(second?.attributes, {})
    assert.deepEqual(readEvents(database, first?.sequence ?? 0), [second])
    assert.equal(latestEvent(database), second?.sequence)
  })

  it('are kept up to a number, the newest', async () => {
    using database = await open()
    database.exec('BEGIN')
    database.exec(`WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10998)
      INSERT INTO events (time_ns, type, action, actor, attributes) SELECT x, 'image', 'tag', 'a', '{}' FROM n`)
    database.exec('COMMIT')
    const before = latestEvent(database)
    while (latestEvent(database) % 500 !== 0) logEvent(database, { type: 'image', action: 'tag', actor: 'a' })
    assert(latestEvent(database) > before)
    assert.equal(readEvents(database, 0, 100_000).length, 10_000)
  })

  it('repeat no more of a stranger’s labels than is reasonable, and lose nothing of their own', async () => {
    using database = await open()
    const attributes = { huge: 'x'.repeat(1 << 20), team: 'blue', name: 'web', exitCode: '1' }
    logEvent(database, { type: 'container', action: 'die', actor: 'c', attributes })
    assert.deepEqual(readEvents(database, 0)[0]?.attributes, { team: 'blue', name: 'web', exitCode: '1' })
  })

  it('keep labels with the names of JavaScript’s own', async () => {
    using database = await open()
    const attributes = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>
    logEvent(database, { type: 'container', action: 'die', actor: 'c', attributes })
    assert.deepEqual(Object.entries(readEvents(database, 0)[0]?.attributes ?? {}), Object.entries(attributes))
  })
})
