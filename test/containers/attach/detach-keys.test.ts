import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { detachFilter, detachKeys, parseDetachKeys } from '../../../src/containers/attach/detach-keys.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** What passes when `chunks` are typed, and how often the user left. */
async function type(keys: string, chunks: readonly string[]): Promise<{ passed: string; left: number }> {
  let left = 0
  const filter = detachFilter(parseDetachKeys(keys), () => {
    left += 1
  })
  for (const chunk of chunks) filter.write(chunk)
  filter.end()
  const passed = await filter.toArray()
  return { passed: Buffer.concat(passed as Buffer[]).toString('latin1'), left }
}

describe('detach keys', () => {
  it('are letters and control keys, separated by commas', () => {
    assert.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q')], [16, 17])
    assert.deepEqual([...parseDetachKeys('a,ctrl-\\,ctrl-@,Q')], [97, 28, 0, 81])
    for (const keys of ['', 'ctrl-', 'ctrl-1', 'ab', 'ctrl-p,,q']) assert.throws(() => parseDetachKeys(keys))
  })

  it('end the input when they come in a row, also in pieces', async () => {
    assert.deepEqual(await type('ctrl-p,ctrl-q', ['ls\r\x10', '\x11more']), { passed: 'ls\r', left: 1 })
  })

  it('pass when the row is broken, without losing a byte', async () => {
    assert.deepEqual(await type('ctrl-p,ctrl-q', ['a\x10b', '\x10\x10c\x10']), {
      passed: 'a\x10b\x10\x10c\x10',
      left: 0,
    })
    assert.deepEqual(await type('ctrl-p,ctrl-q', ['\x10\x10\x11']), { passed: '\x10', left: 1 })
  })

  it('come from the flag, else from the configuration of docker, else from its default', async () => {
    const directory = await scratchDirectory()
    await writeFile(join(directory, 'config.json'), '{"detachKeys":"ctrl-x"}')
    const env = { DOCKER_CONFIG: directory }

    assert.deepEqual([...detachKeys('ctrl-y', env)], [25])
    assert.deepEqual([...detachKeys(undefined, env)], [24])
    assert.deepEqual([...detachKeys(undefined, { DOCKER_CONFIG: '/does/not/exist' })], [16, 17])
  })
})
