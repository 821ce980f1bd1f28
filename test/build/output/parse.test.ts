import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type Output, parseOutputs } from '../../../src/build/output/parse.ts'
import { InvalidArgument } from '../../../src/errors.ts'

describe('--output', () => {
  const CASES: readonly (readonly [string, Output])[] = [
    ['out', { type: 'local', dest: 'out', split: true }],
    ['-', { type: 'tar', dest: '-', split: true }],
    ['type=local,dest=a b', { type: 'local', dest: 'a b', split: true }],
    ['type=local,dest=x,platform-split=false', { type: 'local', dest: 'x', split: false }],
    ['type=tar,attestation-prefix=a-', { type: 'tar', dest: '-', split: true, attestationPrefix: 'a-' }],
    ['type=tar', { type: 'tar', dest: '-', split: true }],
    ['type=docker', { type: 'image', names: [], push: false }],
    ['type=docker,dest=x.tar', { type: 'docker', dest: 'x.tar' }],
    ['type=oci,dest=x.tar', { type: 'oci', dest: 'x.tar' }],
    ['type=oci,tar=false,dest=x', { type: 'oci', dest: 'x', asDirectory: true }],
    ['type=docker,tar=0,dest=x,name=a', { type: 'docker', dest: 'x', names: ['a'], asDirectory: true }],
    ['type=image,name=a,push=true', { type: 'image', names: ['a'], push: true }],
    ['type=image,"name=a,b"', { type: 'image', names: ['a', 'b'], push: false }],
    ['type=registry', { type: 'image', names: [], push: true }],
    ['type=oci,compression=uncompressed', { type: 'oci', dest: '-', compression: { compression: 'none' } }],
    [
      'type=image,compression=zstd,compression-level=9,force-compression=true,oci-mediatypes=false',
      {
        type: 'image',
        names: [],
        push: false,
        dockerTypes: true,
        compression: { compression: 'zstd', level: 9, force: true },
      },
    ],
    ['type=cacheonly', { type: 'cacheonly' }],
  ]
  for (const [text, output] of CASES)
    it(`understands ${text}`, () => {
      assert.deepEqual(parseOutputs([text]), [output])
    })

  it('refuses what it does not know', () => {
    for (const text of [
      'type=zip',
      'type=local',
      'type=tar,size=1',
      'type=tar,x',
      'dest=x',
      'type=oci,compression=lzma',
      'type=oci,compression=constructor',
      'type=oci,compression-level=x',
      'type=oci,compression-level= ',
      'type=oci,force-compression=yes',
      'type=oci,oci-mediatypes=no',
      'type=image,push=yes',
      'type=oci,tar=false',
      'type=oci,tar=false,dest=-',
      'type=docker,tar=false',
      'type=oci,tar=no,dest=x',
      'type=local,dest=x,platform-split=no',
      'type=local,dest=x,attestation-prefix=../x',
    ])
      assert.throws(() => parseOutputs([text]), InvalidArgument, text)
  })
})
