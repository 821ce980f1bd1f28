import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { leasedKeys, openLease } from '../../src/images/leases.ts'
import { openDatabase, transaction } from '../../src/state/database.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('a lease', () => {
  it('holds what is added until it is released, however often that happens', async () => {
    using database = openDatabase(join(await scratchDirectory(), 'state.db'))
    const held = () => [...transaction(database, () => leasedKeys(database, 'blob'))].toSorted()
    const lease = openLease(database)
    for (let round = 0; round < 2; round += 1) {
      lease.add('blob', ['a', 'b'])
      lease.add('blob', ['b', 'c'])
      lease.add('snapshot', ['d'])
      assert.deepEqual(held(), ['a', 'b', 'c'])
      transaction(database, lease.releaseInside)
      assert.deepEqual(held(), [])
    }
  })

  it('of an image is renewed each time it is added', async () => {
    using database = openDatabase(join(await scratchDirectory(), 'state.db'))
    using lease = openLease(database)
    lease.add('image', ['a'])
    database.exec('UPDATE leases SET created_at_ms = 0')
    lease.add('image', ['a'])
    assert.deepEqual([...transaction(database, () => leasedKeys(database, 'image'))], ['a'])
  })
})
