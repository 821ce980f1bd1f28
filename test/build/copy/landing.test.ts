import assert from 'node:assert/strict'
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Landing, openLanding, resolveInLayers } from '../../../src/build/copy/landing.ts'
import { CopyFailed } from '../../../src/build/errors.ts'
import { openApplier } from '../../../src/linux/apply.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('resolveInLayers', () => {
  it('follows links, the last and dangling ones too, and never out of the layers', async () => {
    const layer = await scratchDirectory()
    mkdirSync(join(layer, 'real'))
    symlinkSync('/real', join(layer, 'absolute'))
    symlinkSync('../../../../real', join(layer, 'climbing'))
    symlinkSync('nowhere/at/all', join(layer, 'dangling'))
    symlinkSync('round', join(layer, 'round'))
    const resolve = (path: string) => resolveInLayers([layer], path)
    assert.equal(resolve('/absolute/x/y'), 'real/x/y')
    assert.equal(resolve('climbing/'), 'real')
    assert.equal(resolve('/dangling'), 'nowhere/at/all')
    assert.equal(resolve('/a/../../b'), 'b')
    assert.equal(resolve('/'), '')
    assert.throws(() => resolve('/round/x'), CopyFailed)
  })
})

describe('a landing', () => {
  async function land(work: (landing: Landing, lower: string) => void): Promise<string> {
    const [lower, upper] = [await scratchDirectory(), await scratchDirectory()]
    mkdirSync(join(lower, 'there'), { mode: 0o700 })
    writeFileSync(join(lower, 'file'), '')
    await using applier = openApplier(upper)
    work(openLanding({ lower: [lower], applier, owner: { uid: 0, gid: 0 }, mtimeSeconds: 1 }), lower)
    await applier.finish()
    return upper
  }

  it('makes directories as they are below, and those that are missing for everybody', async () => {
    const upper = await land((landing) => landing.directory('there/new'))
    assert.equal(statSync(join(upper, 'there')).mode & 0o7777, 0o700)
    assert.equal(statSync(join(upper, 'there/new')).mode & 0o7777, 0o755)
  })

  it('puts no file in the place of a directory, nor a directory in that of a file', async () => {
    await land((landing) => {
      assert.throws(() => landing.claim('there', false), CopyFailed)
      assert.throws(() => landing.claim('file', true), CopyFailed)
      assert.throws(() => landing.directory('file/x'), CopyFailed)
      landing.claim('there/d', true)
      assert.throws(() => landing.claim('there/d', false), CopyFailed)
      landing.claim('file', false)
    })
  })
})
