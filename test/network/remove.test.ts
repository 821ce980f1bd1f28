import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { createNetwork } from '../../src/network/create.ts'
import { NetworkNotFound } from '../../src/network/errors.ts'
import { deleteNetwork, findNetwork } from '../../src/network/records.ts'
import { removeNetwork } from '../../src/network/remove.ts'
import { openDatabase } from '../../src/state/database.ts'
import { readEvents } from '../../src/state/events.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('removeNetwork', () => {
  it('says that the network is gone when somebody was faster, and tells of its end once', async () => {
    const directory = await scratchDirectory('coracle-network-')
    const paths = { root: join(directory, 'root'), run: join(directory, 'run') }
    for (const path of Object.values(paths)) mkdirSync(path)
    using database = openDatabase(join(paths.root, 'state.db'))
    const room = { paths, database }
    await createNetwork(room, 'lan', { driver: 'macvlan', subnet: ['10.77.0.0/24'], opt: ['parent=lo'] })
    const faster = async () => void deleteNetwork(database, findNetwork(database, 'lan'))
    const users = { settle: faster, named: () => new Set<string>() }

    await assert.rejects(removeNetwork(room, users, { name: 'lan' }), NetworkNotFound)

    const ends = readEvents(database, 0, 100).filter(({ action }) => action === 'destroy')
    assert.equal(ends.length, 1)
  })
})
