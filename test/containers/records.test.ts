import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { AmbiguousContainer, ContainerNameInUse, ContainerNotFound } from '../../src/containers/errors.ts'
import { advance, findRecord, insertRecord, listRecords, recordsOfImage } from '../../src/containers/records.ts'
import { type Database, openDatabase } from '../../src/state/database.ts'
import { newContainer } from '../support/containers.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function emptyDatabase(): Promise<Database> {
  return openDatabase(join(await scratchDirectory(), 'state.db'))
}

describe('container records', () => {
  it('are found by id, by name, and by a prefix that only one id has', async () => {
    using database = await emptyDatabase()
    const id = `ab12${'0'.repeat(60)}`
    insertRecord(database, newContainer({ id, name: 'web' }))
    insertRecord(database, newContainer({ id: `ab34${'0'.repeat(60)}` }))

    for (const name of [id, 'web', '/web', 'ab12']) assert.equal(findRecord(database, name).id, id)
  })

  it('say which containers an ambiguous prefix could mean', async () => {
    using database = await emptyDatabase()
    insertRecord(database, newContainer({ id: `ab12${'0'.repeat(60)}`, name: 'one' }))
    insertRecord(database, newContainer({ id: `ab34${'0'.repeat(60)}`, name: 'two' }))

    assert.throws(
      () => findRecord(database, 'ab'),
      (error) => error instanceof AmbiguousContainer && /one/.test(error.hint ?? '') && /two/.test(error.hint ?? ''),
    )
  })

  it('prefer a name to a prefix of another id', async () => {
    using database = await emptyDatabase()
    insertRecord(database, newContainer({ id: `ab12${'0'.repeat(60)}` }))
    const named = newContainer({ id: 'f'.repeat(64), name: 'ab12' })
    insertRecord(database, named)

    assert.equal(findRecord(database, 'ab12').id, named.id)
  })

  it('do not take wildcards of SQL or unknown names for anything', async () => {
    using database = await emptyDatabase()
    insertRecord(database, newContainer())

    for (const name of ['%', '_', '', 'nothing', "' OR 1=1 --"])
      assert.throws(() => findRecord(database, name), ContainerNotFound)
  })

  it('refuse a name twice, naming its owner', async () => {
    using database = await emptyDatabase()
    const first = newContainer({ name: 'web' })
    insertRecord(database, first)

    assert.throws(
      () => insertRecord(database, newContainer({ name: 'web' })),
      (error) => error instanceof ContainerNameInUse && error.message.includes(first.id) && error.exitCode === 125,
    )
  })

  it('get a name of their own when none is given', async () => {
    using database = await emptyDatabase()
    const names = Array.from({ length: 300 }, () => insertRecord(database, newContainer()))

    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^[a-z]+_[a-z]+\d*$/)
  })

  it('are listed newest first, and by image', async () => {
    using database = await emptyDatabase()
    const image = `sha256:${'2'.repeat(64)}`
    insertRecord(database, newContainer({ name: 'old', image }))
    insertRecord(database, newContainer({ name: 'new' }))

    assert.deepEqual(
      listRecords(database).map((record) => record.name),
      ['new', 'old'],
    )
    assert.deepEqual(
      recordsOfImage(database, image).map((record) => record.name),
      ['old'],
    )
  })

  it('are listed newest first, without those that rest when only the others are wanted', async () => {
    using database = await emptyDatabase()
    for (const name of ['rests', 'runs', 'goes']) {
      const { settings, ...container } = newContainer({ name })
      const host = { ...settings.host, AutoRemove: name === 'goes' }
      insertRecord(database, { ...container, settings: { ...settings, host } })
    }
    advance(database, findRecord(database, 'runs').id, { to: 'starting' })

    const names = (alive: boolean) => listRecords(database, { alive }).map(({ name }) => name)
    assert.deepEqual(names(false), ['goes', 'runs', 'rests'])
    assert.deepEqual(names(true), ['goes', 'runs'])
  })
})
