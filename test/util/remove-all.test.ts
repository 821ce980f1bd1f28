import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { removeAll } from '../../src/util/remove-all.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('removeAll', () => {
  it('leaves nothing of a tree that somebody else removes at the same time', async function () {
    this.timeout(20_000)
    const tree = join(await scratchDirectory(), 'tree')
    for (let round = 0; round < 10; round++) {
      for (let directory = 0; directory < 30; directory++) {
        mkdirSync(join(tree, `d${directory}`, 'deep'), { recursive: true })
        for (let file = 0; file < 10; file++) writeFileSync(join(tree, `d${directory}`, 'deep', `f${file}`), '')
      }
      const rival = spawn('rm', ['-rf', tree])
      await once(rival, 'spawn')
      removeAll(tree)
      assert(!existsSync(tree))
      await once(rival, 'close')
    }
  })

  it('has nothing to do where nothing is', async () => {
    removeAll(join(await scratchDirectory(), 'missing'))
  })
})
