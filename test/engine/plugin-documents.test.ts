import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { listedContainer, listedImage } from '../../src/engine/plugin-documents.ts'
import { parseDigest } from '../../src/oci/digest.ts'

const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`)

describe('documents for plugins', () => {
  it('have images in words of docker', () => {
    const image = listedImage({
      id: DIGEST,
      tags: ['docker.io/library/web:1'],
      digests: [`docker.io/library/web@${DIGEST}`],
      createdAtMs: 1500,
      sizeBytes: 7,
      labels: { a: 'b' },
      platform: { os: 'linux', architecture: 'amd64' },
      containers: 2,
    })
    assert.deepEqual(image, {
      Id: DIGEST,
      RepoTags: ['web:1'],
      RepoDigests: [`web@${DIGEST}`],
      Created: 1,
      Size: 7,
      Labels: { a: 'b' },
      Containers: 2,
    })
  })

  it('have containers in states that docker knows', () => {
    const container = {
      id: 'c',
      name: 'web',
      imageName: 'web:1',
      image: undefined,
      backend: 'linux',
      command: 'sh',
      createdAtMs: 2000,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      exitStatus: undefined,
      health: undefined,
      labels: {},
      mounts: [],
      networkMode: 'none',
      size: undefined,
    }
    const states = (['starting', 'stopping', 'exited'] as const).map(
      (state) => listedContainer({ ...container, state }).State,
    )
    assert.deepEqual(states, ['created', 'running', 'exited'])
    assert.deepEqual(listedContainer({ ...container, state: 'exited' }).Names, ['/web'])
  })
})
