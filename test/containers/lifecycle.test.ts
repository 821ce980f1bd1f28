import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ContainerNotFound, StateConflict } from '../../src/containers/errors.ts'
import { type ContainerState, TRANSITIONS } from '../../src/containers/lifecycle.ts'
import { advance, deleteRecord, insertRecord, readRecord } from '../../src/containers/records.ts'
import { openDatabase, transaction } from '../../src/state/database.ts'
import { newContainer } from '../support/containers.ts'
import { scratchDirectory } from '../support/scratch.ts'

const states = Object.keys(TRANSITIONS) as ContainerState[]

describe('the life cycle', () => {
  it('lets a record take exactly the steps of the table, whatever is asked for in whatever order', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    using database = openDatabase(path)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...states), { maxLength: 25 }), (wishes) => {
        const container = newContainer()
        insertRecord(database, container)
        let state: ContainerState = 'created'
        for (const to of wishes) {
          const step = () => advance(database, container.id, { to })
          if (TRANSITIONS[state].includes(to)) {
            step()
            state = to
          } else assert.throws(step, StateConflict)
          assert.equal(readRecord(database, container.id)?.state, state)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('gives a step to one of two commands that want it at once', async () => {
    const path = join(await scratchDirectory(), 'state.db')
    using first = openDatabase(path)
    using second = openDatabase(path)
    const container = newContainer()
    insertRecord(first, container)

    advance(first, container.id, { to: 'starting' })

    assert.throws(() => advance(second, container.id, { to: 'starting' }), StateConflict)
  })

  it('forgets a container only when it is being removed', async () => {
    using database = openDatabase(join(await scratchDirectory(), 'state.db'))
    const container = newContainer()
    insertRecord(database, container)

    transaction(database, () => deleteRecord(database, container.id))
    assert.notEqual(readRecord(database, container.id), undefined)

    advance(database, container.id, { to: 'removing' })
    transaction(database, () => deleteRecord(database, container.id))
    assert.equal(readRecord(database, container.id), undefined)
    assert.throws(() => advance(database, container.id, { to: 'starting' }), ContainerNotFound)
  })

  it('keeps process and exit status beside the state', async () => {
    using database = openDatabase(join(await scratchDirectory(), 'state.db'))
    const container = newContainer()
    insertRecord(database, container)
    advance(database, container.id, { to: 'starting' })
    advance(database, container.id, { to: 'running', process: { pid: 12, startTime: 34 }, owner: undefined })
    advance(database, container.id, { to: 'exited', process: undefined, exitStatus: 137, oomKilled: true })

    const record = readRecord(database, container.id)

    assert.equal(record?.process, undefined)
    assert.equal(record?.owner, undefined)
    assert.equal(record?.exitStatus, 137)
    assert.equal(record?.oomKilled, true)
  })
})
