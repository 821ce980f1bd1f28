import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { DEFAULT_GENERATOR, parseAttestations } from '../../../src/build/attest/wish.ts'
import { InvalidArgument } from '../../../src/errors.ts'

describe('--attest', () => {
  it('takes provenance as buildx does', () => {
    assert.deepEqual(parseAttestations([]), { provenance: undefined, sbomGenerator: undefined })
    const file = { fileName: 'provenance.json', inlineOnly: false }
    const plain = { mode: 'max', version: 'v1', builderId: '', reproducible: false, ...file }
    assert.deepEqual(parseAttestations(['type=provenance']).provenance, plain)
    assert.equal(parseAttestations(['type=provenance,disabled=true']).provenance, false)
    assert.deepEqual(
      parseAttestations(['type=provenance,mode=min,version=v0.2,builder-id=https://ci/1,reproducible=true']).provenance,
      { mode: 'min', version: 'v0.2', builderId: 'https://ci/1', reproducible: true, ...file },
    )
    const named = parseAttestations(['type=provenance,filename=../../etc/x.json,inline-only=true']).provenance
    assert.deepEqual(named, { ...plain, fileName: 'x.json', inlineOnly: true })
  })

  it('takes the image that lists what is inside', () => {
    assert.equal(parseAttestations(['type=sbom']).sbomGenerator, DEFAULT_GENERATOR)
    assert.equal(parseAttestations(['type=sbom,generator=scan:1']).sbomGenerator, 'scan:1')
    assert.equal(parseAttestations(['type=sbom,disabled=1']).sbomGenerator, undefined)
  })

  it('refuses what means nothing', () => {
    for (const texts of [
      ['type=other'],
      ['mode=max'],
      ['type=provenance,mode=most'],
      ['type=provenance,version=v2'],
      ['type=provenance,reproducible=perhaps'],
      ['type=provenance,colour=red'],
      ['type=provenance,filename=..'],
      ['type=provenance,filename=x/.'],
      ['type=provenance,filename=a\0b'],
      ['type=sbom,mode=max'],
      ['type=sbom', 'type=sbom,generator=a'],
      ['type=sbom,"'],
    ])
      assert.throws(() => parseAttestations(texts), InvalidArgument, texts.join(' '))
  })
})
