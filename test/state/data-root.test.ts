import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'mocha'
import { DataRootUnusable, explainDataRoot } from '../../src/state/data-root.ts'
import { openDatabase } from '../../src/state/database.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('a data root that cannot be used', () => {
  it('is an error of the user, with the directory and what to do', async () => {
    const scratch = await scratchDirectory()
    writeFileSync(join(scratch, 'file'), '')
    for (const root of [join(scratch, 'file'), join(scratch, 'file/below')])
      assert.throws(
        () => openDatabase(join(root, 'state.db')),
        (error) =>
          error instanceof DataRootUnusable && error.message.includes(root) && error.hint?.includes('CORACLE_ROOT'),
      )
  })

  it('is known by what SQLite says, and nothing else is', async () => {
    const scratch = await scratchDirectory()
    const path = join(scratch, 'state.db')
    mkdirSync(path) // even root cannot open it as a file
    assert.throws(() => openDatabase(path), DataRootUnusable)
    chmodSync(scratch, 0o700)
    const database = new DatabaseSync(':memory:')
    try {
      database.exec('no SQL')
    } catch (error) {
      assert.equal(explainDataRoot(error, scratch), error)
    }
    database.close()
  })
})
