import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { pathChanges } from '../../../src/containers/files/changes.ts'
import type { Change, TreeEntry } from '../../../src/linux/archive.ts'

const entry = (change: Change, path: string, more: Partial<TreeEntry> = {}): TreeEntry => ({
  path,
  change,
  mode: path.endsWith('/') ? 0o040755 : 0o100644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  sizeBytes: 0,
  major: 0,
  minor: 0,
  ctimeSeconds: 0,
  ctimeNanoseconds: 0,
  target: '',
  hardLink: '',
  xattrs: new Map(),
  extents: undefined,
  ...more,
})
const directory = (change: Change, path: string) => entry(change, path, { mode: 0o040755 })
const lines = (entries: readonly TreeEntry[]) => pathChanges(entries).map(({ kind, path }) => `${kind} ${path}`)

describe('pathChanges', () => {
  it('tells a directory as changed when something in it is', () => {
    const entries = [directory('same', 'a'), directory('same', 'a/b'), entry('added', 'a/b/c'), directory('same', 'z')]
    assert.deepEqual(lines(entries), ['C /a', 'C /a/b', 'A /a/b/c'])
  })

  it('tells what is added with all that is in it, what is deleted alone', () => {
    const entries = [directory('added', 'new'), entry('added', 'new/f'), directory('deleted', 'old')]
    assert.deepEqual(lines(entries), ['A /new', 'A /new/f', 'D /old'])
  })

  it('leaves out what was made only to be mounted on, not what stands in its place', () => {
    const made = [
      directory('added', 'dev'),
      directory('added', 'etc'),
      entry('added', 'etc/hosts'),
      directory('added', 'proc'),
    ]
    assert.deepEqual(lines(made), [])
    assert.deepEqual(lines([...made, entry('added', 'etc/mine')]), ['C /etc', 'A /etc/mine'])
    assert.deepEqual(lines([entry('changed', 'etc/hosts')]), ['C /etc', 'C /etc/hosts'])
    assert.deepEqual(lines([entry('added', 'etc/hosts', { sizeBytes: 3 })]), ['C /etc', 'A /etc/hosts'])
  })

  it('shows names as text', () => {
    assert.deepEqual(lines([entry('added', Buffer.from('ünï').toString('latin1'))]), ['A /ünï'])
  })
})
