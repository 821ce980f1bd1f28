import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'mocha'
import { openDatabase, transaction } from '../../src/state/database.ts'
import { migrate, StateTooNew } from '../../src/state/migrate.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('the state database', () => {
  it('is made with every table, and opened again as it is', async () => {
    const path = join(await scratchDirectory(), 'deep/state.db')
    openDatabase(path).close()
    using database = openDatabase(path)
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    const names = tables.map((row) => row['name'])
    for (const name of ['images', 'image_tags', 'leases', 'locks', 'containers']) assert(names.includes(name), name)
  })

  it('applies only what is new, in order', () => {
    using database = new DatabaseSync(':memory:')
    migrate(database, ['CREATE TABLE a (x)'])
    migrate(database, ['CREATE TABLE a (x)', 'INSERT INTO a VALUES (1)'])
    migrate(database, ['CREATE TABLE a (x)', 'INSERT INTO a VALUES (1)'])
    assert.equal(database.prepare('SELECT count(*) AS n FROM a').get()?.['n'], 1)
  })

  it('leaves a newer schema alone', () => {
    using database = new DatabaseSync(':memory:')
    database.exec('PRAGMA user_version = 99')
    assert.throws(() => migrate(database, ['CREATE TABLE a (x)']), StateTooNew)
  })

  it('changes nothing when a transaction fails', () => {
    using database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE a (x)')
    assert.throws(
      () =>
        transaction(database, () => {
          database.exec('INSERT INTO a VALUES (1)')
          throw new Error('half way')
        }),
      /half way/,
    )
    assert.equal(database.prepare('SELECT count(*) AS n FROM a').get()?.['n'], 0)
  })
})
