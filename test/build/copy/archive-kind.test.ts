import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { archiveKind, openArchive } from '../../../src/build/copy/archive-kind.ts'
import { tarOf } from '../../support/images.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])

describe('openArchive', () => {
  const path = process.env['PATH']
  let directory: string
  let file: string

  beforeEach(async () => {
    directory = await scratchDirectory()
    file = join(directory, 'archive')
    writeFileSync(file, XZ)
    writeFileSync(join(directory, 'tar'), tarOf([{ path: 'f', content: 'x' }]))
    process.env['PATH'] = `${join(directory, 'bin')}:${path}`
    mkdirSync(join(directory, 'bin'))
  })
  afterEach(() => {
    process.env['PATH'] = path
  })

  /** What inflates: the tar, and then this. */
  const inflating = (end: string) => {
    writeFileSync(join(directory, 'bin/xz'), `#!/bin/sh\ncat ${directory}/tar\n${end}\n`)
    chmodSync(join(directory, 'bin/xz'), 0o755)
  }

  it('takes nothing for whole that a program has not inflated to its end', async () => {
    // Its output has ended long before it says that all is not well.
    for (const end of ['kill -KILL $$', 'exec >&-; sleep 0.05; exit 1']) {
      inflating(end)
      assert.equal(await archiveKind(file), 'xz')
      await assert.rejects(text(openArchive({ path: file, compression: 'xz' })), /cannot inflate .*archive: xz/)
    }
    inflating('exit 0')
    assert.match(await text(openArchive({ path: file, compression: 'xz' })), /^f\0/)
  })

  it('says which program is missing', async () => {
    process.env['PATH'] = join(directory, 'bin')
    await assert.rejects(archiveKind(file), /cannot inflate .*ENOENT/)
  })
})
