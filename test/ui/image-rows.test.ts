import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { ImageSummary } from '../../src/images/types.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { differenceRows, historyRows, imageRows, loadedLine } from '../../src/ui/image-rows.ts'

const id = parseDigest(`sha256:${'a'.repeat(64)}`)
const digest = `sha256:${'b'.repeat(64)}`
const summary: ImageSummary = {
  id,
  tags: ['docker.io/library/busybox:latest', 'localhost:5000/team/app:1'],
  digests: [`docker.io/library/busybox@${digest}`],
  createdAtMs: 0,
  sizeBytes: 4_263_000,
  labels: {},
  platform: { os: 'linux', architecture: 'amd64' },
  containers: 0,
}
const names = (image: ImageSummary, digests: boolean) =>
  imageRows([image], { full: false, digests }).map(({ Repository, Tag, Digest }) => `${Repository} ${Tag} ${Digest}`)

describe('imageRows', () => {
  it('makes a row of each name, as docker shows names', () => {
    assert.deepEqual(names(summary, false), ['busybox latest <none>', 'localhost:5000/team/app 1 <none>'])
  })

  it('adds the digest that the repository has', () => {
    assert.deepEqual(names(summary, true), [`busybox latest ${digest}`, 'localhost:5000/team/app 1 <none>'])
  })

  it('shows an image pulled by digest without a tag, and one without names as <none>', () => {
    assert.deepEqual(names({ ...summary, tags: [] }, false), [`busybox <none> ${digest}`])
    assert.deepEqual(names({ ...summary, tags: [], digests: [] }, false), ['<none> <none> <none>'])
  })

  it('cuts ids to twelve digits unless all of it is wanted', () => {
    assert.equal(imageRows([summary], { full: false })[0]?.['ID'], 'a'.repeat(12))
    assert.equal(imageRows([summary], { full: true })[0]?.['ID'], id)
  })
})

describe('historyRows', () => {
  const row = {
    id: '<missing>',
    createdAtMs: 0,
    createdBy: `RUN ${'x'.repeat(60)}`,
    sizeBytes: 1500,
    comment: '',
    tags: [],
  }
  it('cuts long commands, and tells sizes for people or for programs', () => {
    const [short] = historyRows([row], { full: false, human: true })
    const [long] = historyRows([row], { full: true, human: false })
    assert.equal(String(short?.['CreatedBy']).length, 45)
    assert.equal(short?.['Size'], '1.5kB')
    assert.equal(long?.['CreatedBy'], row.createdBy)
    assert.equal(long?.['Size'], '1500')
  })
})

describe('differenceRows', () => {
  it('puts what changes the size most first', () => {
    const rows = differenceRows([
      { path: '/small', kind: 'added', sizeBefore: 0, sizeAfter: 1 },
      { path: '/big', kind: 'removed', sizeBefore: 5000, sizeAfter: 0 },
    ])
    assert.deepEqual(
      rows.map(({ Kind, Path, Size }) => `${Kind} ${Path} ${Size}`),
      ['D /big -5kB', 'A /small +1B'],
    )
  })
})

describe('loadedLine', () => {
  it('names what was loaded', () => {
    assert.equal(loadedLine('docker.io/library/busybox:latest'), 'Loaded image: busybox:latest')
    assert.equal(loadedLine(id), `Loaded image ID: ${id}`)
  })
})
