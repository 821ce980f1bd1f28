import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, it } from 'mocha'
import { readChanges, readMerged } from '../../src/linux/archive.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { recordTree } from '../support/tree-recorder.ts'

describeNative('the archive job, of unions', (native: () => Native) => {
  let root = ''
  const path = (name: string) => join(root, name)
  beforeEach(async () => {
    root = await scratchDirectory()
  })
  const layers = () => ['upper', 'middle', 'lower'].map(path)
  const changes = async (content: boolean) => {
    const sink = recordTree()
    await readChanges(layers(), { content, sink, native: native() })
    return sink
  }
  const make = (files: Readonly<Record<string, string>>) => {
    for (const name of layers()) mkdirSync(name)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(path(name), '..'), { recursive: true })
      writeFileSync(path(name), text)
      execFileSync('touch', ['-d', '@1000000000', path(name)])
    }
  }
  const whiteout = (name: string) => {
    mkdirSync(join(path(name), '..'), { recursive: true })
    execFileSync('mknod', [path(name), 'c', '0', '0'])
  }
  const opaque = (name: string) => {
    mkdirSync(path(name), { recursive: true })
    execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', path(name)])
  }

  it('merges layers as overlayfs does: what is above, whiteouts, opaque directories', async () => {
    make({
      'lower/a/one': '1',
      'lower/a/two': '2',
      'lower/gone/f': 'x',
      'lower/o/old': 'x',
      'lower/f': 'low',
      'middle/f': 'mid',
      'upper/a/two': 'new',
    })
    whiteout('middle/gone')
    opaque('upper/o')
    writeFileSync(path('upper/o/fresh'), 'y')
    const sink = recordTree()
    await readMerged(layers(), { sink, native: native() })
    assert.deepEqual(Object.fromEntries(sink.contents), { 'a/one': '1', 'a/two': 'new', f: 'mid', 'o/fresh': 'y' })
    assert(!sink.entries.some((entry) => entry.path.startsWith('gone')))
  })

  it('merges from a directory on, with the layers that make it up', async () => {
    make({
      'lower/a/b/old': 'x',
      'lower/a/b/kept': 'low',
      'lower/f': 'x',
      'middle/a/b/kept': 'mid',
      'upper/a/b/new': 'up',
    })
    whiteout('middle/a/b/old')
    const from = async (path: string) => {
      const sink = recordTree()
      await readMerged(layers(), { from: path, sink, native: native() })
      return Object.fromEntries(sink.contents)
    }
    assert.deepEqual(await from('a/b'), { kept: 'mid', new: 'up' })
    assert.deepEqual(await from('f'), {})
    assert.deepEqual(await from('a/missing/deeper'), {})
    await assert.rejects(from('a/../..'), ApplyFailed)
    opaque('middle/a')
    assert.deepEqual(await from('a/b'), { kept: 'mid', new: 'up' })
    whiteout('lower/gone')
    assert.deepEqual(await from('gone'), {})
  })

  it('tells what the first layer adds, changes and deletes', async () => {
    make({
      'lower/same': 'x',
      'lower/changed': 'x',
      'lower/deleted': 'x',
      'lower/o/old': 'x',
      'lower/o/kept': 'x',
      'middle/twice': 'x',
      'upper/same': 'x',
      'upper/changed': 'longer',
      'upper/new/f': 'x',
      'upper/o/kept': 'x',
    })
    whiteout('upper/deleted')
    whiteout('upper/nothing-below')
    opaque('upper/o')
    const told = (await changes(false)).entries.map((entry) => `${entry.change} ${entry.path}`)
    assert.deepEqual(told, [
      'changed changed',
      'deleted deleted',
      'added new',
      'added new/f',
      'same o',
      'deleted o/old',
    ])
    assert.equal((await changes(true)).contents.get('same'), 'x')
  })

  it('refuses directories that lie under another name below, rather than losing them', async () => {
    make({ 'lower/d/f': 'x' })
    mkdirSync(path('upper/moved'))
    execFileSync('setfattr', ['-n', 'trusted.overlay.redirect', '-v', '/d', path('upper/moved')])
    await assert.rejects(changes(true), ApplyFailed)
    await assert.rejects(readMerged(layers(), { sink: recordTree(), native: native() }), ApplyFailed)
  })

  it('changes nothing of what it reads', async () => {
    make({ 'lower/f': 'x', 'upper/g': 'y' })
    await changes(true)
    assert.equal(readFileSync(path('lower/f'), 'utf8'), 'x')
    assert.equal(readFileSync(path('upper/g'), 'utf8'), 'y')
  })
})
