import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { stepKey } from '../../src/build/cache/key.ts'
import { readStep, touchStep, writeStep } from '../../src/build/cache/records.ts'
import type { StackedLayer } from '../../src/images/building.ts'
import { openHeld } from '../../src/images/held.ts'
import { chainIDs } from '../../src/images/snapshot.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_LAYER } from '../../src/oci/media-types.ts'
import { type Database, openDatabase } from '../../src/state/database.ts'
import { scratchDirectory } from '../support/scratch.ts'

function stack(...contents: string[]): readonly StackedLayer[] {
  const diffIDs = contents.map(digestOf)
  return diffIDs.map((diffID, index) => ({
    blob: { mediaType: OCI_LAYER, digest: diffID, size: 1 },
    diffID,
    chainID: chainIDs(diffIDs)[index] ?? diffID,
    sizeBytes: 1,
  }))
}

describe('the build cache', () => {
  let database: Database
  beforeEach(async () => {
    database = openDatabase(join(await scratchDirectory(), 'state.db'))
  })
  afterEach(() => database.close())

  const step = (layers: readonly StackedLayer[], ...keys: string[]) => {
    writeStep(database, { layers, changed: true, createdAtMs: 1, keys, kind: 'run', description: 'RUN true' })
  }

  it('finds all layers of a step again, by each of its keys, in their order', () => {
    const layers = stack('base', 'one', 'two')
    step(layers, 'a', 'b')
    step(layers.slice(0, 2), 'c')
    assert.deepEqual(readStep(database, 'a')?.layers, layers)
    assert.deepEqual(readStep(database, 'b')?.layers, layers)
    assert.deepEqual(readStep(database, 'c')?.layers, layers.slice(0, 2))
    assert.equal(readStep(database, 'd'), undefined)
  })

  it('remembers a step that has made nothing on nothing', () => {
    step([], 'empty')
    assert.deepEqual(readStep(database, 'empty')?.layers, [])
  })

  it('takes the latest result of a step, and counts how often it was of use', () => {
    step(stack('old'), 'a')
    step(stack('new'), 'a')
    touchStep(database, 'a')
    assert.deepEqual(readStep(database, 'a')?.layers, stack('new'))
    assert.equal(database.prepare('SELECT uses FROM build_steps').get()?.['uses'], 1)
  })

  it('holds the layers and blobs of what it remembers, those of bases too', () => {
    const layers = stack('base', 'one')
    step(layers, 'a')
    const held = openHeld(database)
    for (const { chainID, blob } of layers) assert.ok(held.snapshot(chainID) && held.blob(blob.digest))
    assert.ok(!held.blob(digestOf('another')))
  })

  it('has another key for anything that is another step', () => {
    const keys = [
      stepKey('run', ['a', 'b']),
      stepKey('run', ['ab']),
      stepKey('run', [['a'], 'b']),
      stepKey('copy', ['a', 'b']),
      stepKey('run', ['a', null]),
    ]
    assert.equal(new Set(keys).size, keys.length)
  })
})
