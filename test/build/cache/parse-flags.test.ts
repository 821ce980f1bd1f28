import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseCacheFrom, parseCacheTo } from '../../../src/build/cache/parse-flags.ts'
import { InvalidArgument } from '../../../src/errors.ts'

const FORM = { compression: { compression: 'gzip' }, ignoreError: false }

describe('--cache-from and --cache-to', () => {
  it('understand registries, directories and images', () => {
    assert.deepEqual(
      parseCacheFrom(['user/app:cache', 'type=registry,ref=r.example/x', 'type=local,src=/c,tag=t', '']),
      [
        { type: 'registry', ref: 'user/app:cache' },
        { type: 'registry', ref: 'r.example/x' },
        { type: 'local', src: '/c', tag: 't', digest: undefined },
      ],
    )
    assert.deepEqual(parseCacheTo(['type=inline', 'r.example/x', 'type=local,dest=/c,mode=max']), [
      { type: 'inline', mode: 'min' },
      { type: 'registry', mode: 'min', ref: 'r.example/x', ...FORM },
      { type: 'local', mode: 'max', dest: '/c', tag: 'latest', ...FORM },
    ])
    const form = 'image-manifest=true,oci-mediatypes=true,compression=zstd,compression-level=7,ignore-error=1'
    assert.deepEqual(parseCacheTo([`type=registry,ref=x,${form}`]), [
      {
        type: 'registry',
        mode: 'min',
        ref: 'x',
        compression: { compression: 'zstd', level: 7 },
        ignoreError: true,
      },
    ])
  })

  it('refuse what they do not know, in one line', () => {
    const from = ['type=gha', 'type=registry', 'type=local', 'type=local,src=a,dest=b', 'x,y', 'UPPER', 'type=,src=x']
    for (const text of from) assert.throws(() => parseCacheFrom([text]), InvalidArgument, text)
    const to = [
      'type=inline,mode=max',
      'type=s3,bucket=b',
      'type=registry',
      'type=registry,ref=x,mode=all',
      'type=registry,ref=x,image-manifest=false',
      'type=registry,ref=x,compression=lz4',
      'type=registry,ref=x,compression=constructor',
      'type=registry,ref=x,compression-level=99',
      'type=registry,ref=x,ignore-error=perhaps',
      `type=registry,ref=x@sha256:${'0'.repeat(64)}`,
      'type=local,src=x',
    ]
    for (const text of to) assert.throws(() => parseCacheTo([text]), InvalidArgument, text)
  })
})
