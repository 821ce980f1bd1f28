import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type CopyTarget, landingOf, nameOf, tidyPath } from '../../../src/containers/files/places.ts'

const directory: CopyTarget = { path: '/to/dir', kind: 'directory' }
const missing: CopyTarget = { path: '/to/new', kind: 'missing' }
const file: CopyTarget = { path: '/to/file', kind: 'other' }
const from = (path: string, isDirectory: boolean) => ({ name: nameOf(tidyPath(path)), isDirectory })

describe('landingOf', () => {
  it('puts a file or a directory into a directory that is there, under its own name', () => {
    assert.deepEqual(landingOf(from('/etc/passwd', false), directory), { directory: '/to/dir', name: 'passwd' })
    assert.deepEqual(landingOf(from('/etc', true), directory), { directory: '/to/dir', name: 'etc' })
    assert.deepEqual(landingOf(from('/etc/', true), directory), { directory: '/to/dir', name: 'etc' })
  })

  it('puts the content of a directory there when the source ends with /.', () => {
    assert.deepEqual(landingOf(from('/etc/.', true), directory), { directory: '/to/dir', name: '' })
    assert.deepEqual(landingOf(from('.', true), directory), { directory: '/to/dir', name: '' })
    assert.deepEqual(landingOf(from('/', true), directory), { directory: '/to/dir', name: '' })
  })

  it('gives what is copied the name of a target that is not there', () => {
    assert.deepEqual(landingOf(from('/etc/passwd', false), missing), { directory: '/to', name: 'new' })
    assert.deepEqual(landingOf(from('/etc', true), missing), { directory: '/to', name: 'new' })
    assert.deepEqual(landingOf(from('/etc/.', true), missing), { directory: '/to', name: 'new' })
    assert.deepEqual(landingOf(from('/etc', true), { ...missing, path: '/to/new/' }), { directory: '/to', name: 'new' })
    assert.deepEqual(landingOf(from('/etc', true), { ...missing, path: '/new/.' }), { directory: '/', name: 'new' })
  })

  it('replaces a file by a file', () => {
    assert.deepEqual(landingOf(from('/etc/passwd', false), file), { directory: '/to', name: 'file' })
  })

  it('refuses what makes no sense, in docker’s words', () => {
    assert.throws(() => landingOf(from('/etc', true), file), /^CopyImpossible: cannot copy directory$/)
    assert.throws(
      () => landingOf(from('/f', false), { ...missing, path: '/to/new/' }),
      /^CopyImpossible: no such directory$/,
    )
    assert.throws(() => landingOf(from('/f', false), { ...file, path: '/to/file/' }), /not a directory/)
  })
})

describe('tidyPath', () => {
  it('climbs no higher than the root and keeps what the end of a path means', () => {
    assert.equal(tidyPath('/a//b/../c'), '/a/c')
    assert.equal(tidyPath('/../../etc'), '/etc')
    assert.equal(tidyPath('/a/'), '/a/')
    assert.equal(tidyPath('/a/.'), '/a/.')
    assert.equal(tidyPath('/a/./'), '/a/')
    assert.equal(tidyPath('/'), '/')
    assert.equal(tidyPath('/.'), '/.')
  })
})
