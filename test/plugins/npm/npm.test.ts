import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { findCommand } from '../../../src/plugins/npm/commands.ts'
import type { IndexedPlugin } from '../../../src/plugins/npm/index-file.ts'
import { packageName, readSpec } from '../../../src/plugins/npm/npm.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('what the user asks npm for', () => {
  it('is left as it is when it is a name or an address', () => {
    for (const spec of ['x', 'x@1.2.0', '@a/b', '@a/b@latest', 'git+https://host/x.git', 'https://host/x.tgz', 'a/b'])
      assert.equal(readSpec(spec), spec)
  })

  it('becomes absolute when it is a path', async () => {
    const path = join(await scratchDirectory(), 'x.tgz')
    writeFileSync(path, '')
    assert.equal(readSpec(path), `file:${path}`)
    assert.equal(readSpec(`file:${path}`), `file:${path}`)
    assert.throws(() => readSpec(`${path}.gone.tgz`), /there is no/)
  })

  it('is refused when npm would take it for an option, or a shell for more words', () => {
    for (const spec of ['', '--registry=http://evil', '-g', 'a b', 'a\n', 'a\u001b'])
      assert.throws(() => readSpec(spec))
  })

  it('says which package it means, where it does', () => {
    assert.equal(packageName('x@1'), 'x')
    assert.equal(packageName('@a/b@^2'), '@a/b')
    assert.equal(packageName('@a/b'), '@a/b')
    for (const spec of ['file:/x.tgz', 'https://host/x.tgz', 'git+ssh://git@host/x.git'])
      assert.equal(packageName(spec), undefined)
  })
})

describe('findCommand', () => {
  const command = (id: string, aliases: readonly string[] = []) => ({ id, aliases, summary: '', hidden: false })
  const plugins = [
    { commands: [command('tools'), command('tools:big:saw', ['saw'])] },
  ] as unknown as readonly IndexedPlugin[]

  it('takes the longest run of words that names a command, by whichever name', () => {
    assert.equal(findCommand(plugins, ['tools', 'big', 'saw', 'x'])?.id, 'tools:big:saw')
    assert.equal(findCommand(plugins, ['tools', 'big', 'x'])?.length, 1)
    assert.equal(findCommand(plugins, ['saw', 'x'])?.id, 'tools:big:saw')
    assert.equal(findCommand(plugins, ['big']), undefined)
    assert.equal(findCommand(plugins, []), undefined)
  })
})
