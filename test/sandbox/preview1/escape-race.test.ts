/** What must fail: another process of the same volume changes what a path leads to, while the path is walked. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { codeOf } from '../../../src/sandbox/preview1/errno.ts'
import type { Directory } from '../../../src/sandbox/preview1/files.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { withPlace } from '../../../src/sandbox/preview1/paths.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { whileSwapped } from '../../support/swap.ts'

const WANTED = 100
const FILE = { read: true, write: false, create: false, exclusive: false, truncate: false, flags: 0 }

async function whileGivenIsSwapped(link: string, act: (open: Directory, outside: string) => void): Promise<void> {
  const scratch = await scratchDirectory()
  const [given, beside] = [join(scratch, 'given'), join(scratch, 'beside')]
  for (const directory of [join(given, 'door'), beside]) mkdirSync(directory, { recursive: true })
  writeFileSync(join(given, 'door/file'), 'inside')
  writeFileSync(join(beside, 'file'), 'outside')
  symlinkSync(link === 'absolute' ? beside : '../beside', join(given, 'link'))
  const open = openHostDirectory(given)
  try {
    await whileSwapped(given, () => act(open, beside))
  } finally {
    open.close()
  }
}

/** Tries until it was both let in and refused often enough: then the swap has really happened in between. */
function tryUntilBoth(attempt: () => void): void {
  const seen = { done: 0, refused: 0 }
  while (seen.done < WANTED || seen.refused < WANTED) {
    try {
      attempt()
      seen.done++
    } catch (error) {
      const code = codeOf(error)
      assert(code === 'ENOTCAPABLE' || code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR', String(error))
      if (code === 'ENOTCAPABLE') seen.refused++
    }
  }
}

describe('paths that another process changes while they are walked', () => {
  for (const link of ['relative', 'absolute'])
    it(`never lead a reader through a ${link} link out of the volume`, () =>
      whileGivenIsSwapped(link, (open) => {
        tryUntilBoth(() => {
          const text = withPlace(open, { path: 'door/file', end: 'follow' }, ({ directory, name = '' }) => {
            const file = directory.openFile(name, FILE)
            const bytes = Buffer.alloc(16)
            const size = file.read([bytes], 0)
            file.close()
            return bytes.toString('utf8', 0, size)
          })
          assert.equal(text, 'inside')
        })
      }))

  it('never lead a writer there', () =>
    whileGivenIsSwapped('relative', (open, outside) => {
      let count = 0
      tryUntilBoth(() =>
        withPlace(open, { path: `door/new-${count++}`, end: 'follow' }, ({ directory, name = '' }) =>
          directory.openFile(name, { ...FILE, write: true, create: true }).close(),
        ),
      )
      assert.deepEqual(readdirSync(outside), ['file'])
    }))

  it('never let a removal happen there', () =>
    whileGivenIsSwapped('relative', (open, outside) => {
      tryUntilBoth(() => {
        withPlace(open, { path: 'door/file', end: 'keep' }, ({ directory, name = '' }) => {
          directory.removeFile(name)
          directory.openFile(name, { ...FILE, write: true, create: true }).close()
        })
      })
      assert(existsSync(join(outside, 'file')))
    }))
})
