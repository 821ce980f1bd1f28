import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { missingPaths, removeStubs } from '../../../src/build/steps/stubs.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('what mounts stood on', () => {
  it('is what the image has not, deepest first, without the directories that docker leaves', async () => {
    const layer = await scratchDirectory()
    mkdirSync(join(layer, 'etc'))
    writeFileSync(join(layer, 'etc/hosts'), '')
    const missing = missingPaths([layer], ['/a/b', '/proc/x'])
    assert.deepEqual(missing.toSorted(), ['/.dockerenv', '/a', '/a/b', '/etc/hostname', '/etc/resolv.conf', '/proc/x'])
    assert.ok(missing.indexOf('/a/b') < missing.indexOf('/a'))
  })

  it('goes where it is empty, and stays where the command has put something', async () => {
    const upper = await scratchDirectory()
    mkdirSync(join(upper, 'a/b'), { recursive: true })
    mkdirSync(join(upper, 'c/d'), { recursive: true })
    writeFileSync(join(upper, 'c/d/mine'), 'x')
    writeFileSync(join(upper, 'empty'), '')
    writeFileSync(join(upper, 'full'), 'x')
    removeStubs(upper, ['/a/b', '/c/d', '/empty', '/full', '/none', '/a', '/c'])
    assert.deepEqual(readdirSync(upper).toSorted(), ['c', 'full'])
  })

  it('is never looked for behind a link that the command has left', async () => {
    const [upper, outside] = [await scratchDirectory(), await scratchDirectory()]
    writeFileSync(join(outside, 'empty'), '')
    mkdirSync(join(outside, 'directory'))
    symlinkSync(outside, join(upper, 'way'))
    removeStubs(upper, ['/way/empty', '/way/directory', '/way'])
    assert.ok(existsSync(join(outside, 'empty')) && existsSync(join(outside, 'directory')))
  })
})
