import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { grantedFiles } from '../../src/plugins/granted-files.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('grantedFiles', () => {
  const pathsOf = (words: readonly string[], directory: string): string[] =>
    [...grantedFiles(words, directory)].map(({ path }) => path)

  it('puts what lies below the directory below the root, each parent first and once', async () => {
    const directory = await scratchDirectory()
    mkdirSync(join(directory, 'data/deep'), { recursive: true })
    for (const name of ['data/deep/file', 'data/x', 'y']) writeFileSync(join(directory, name), '')
    assert.deepEqual(pathsOf(['./data/deep', './y', './none', './data'], directory), [
      '/data',
      '/data/deep',
      '/data/deep/file',
      '/y',
      '/data/x',
    ])
    assert.deepEqual(pathsOf(['.'], join(directory, 'data')), ['/deep', '/deep/file', '/x'])
  })

  it('follows no link out of what was granted, be it the granted path itself', async () => {
    const directory = await scratchDirectory()
    mkdirSync(join(directory, 'data'))
    symlinkSync('/etc', join(directory, 'data/etc'))
    symlinkSync('/etc/passwd', join(directory, 'data/passwd'))
    symlinkSync('/etc', join(directory, 'link'))
    assert.deepEqual(pathsOf(['./data', './link'], directory), ['/data'])
  })

  it('refuses more than fits before it reads any of it', async () => {
    const directory = await scratchDirectory()
    writeFileSync(join(directory, 'big'), '')
    truncateSync(join(directory, 'big'), (64 << 20) + 1)
    assert.throws(() => pathsOf(['./big'], directory), /more than 10000 files or 64 MiB/)
  })
})
