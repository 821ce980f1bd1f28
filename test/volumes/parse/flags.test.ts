import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../../src/errors.ts'
import { parseMountFlag } from '../../../src/volumes/parse/mount-flag.ts'
import { parseTmpfsFlag } from '../../../src/volumes/parse/tmpfs-flag.ts'
import { parseVolumeFlag } from '../../../src/volumes/parse/volume-flag.ts'

describe('-v', () => {
  it('binds a directory, made when missing, with its options', () => {
    assert.deepEqual(parseVolumeFlag('/a:/b:ro,rslave,z'), {
      Type: 'bind',
      Source: '/a',
      Target: '/b',
      ReadOnly: true,
      CreateMountpoint: true,
      Propagation: 'rslave',
    })
  })

  it('takes a path that starts with a dot from the working directory', () => {
    assert.equal(parseVolumeFlag('./x:/b', '/home/me').Source, '/home/me/x')
    assert.equal(parseVolumeFlag('.:/b', '/home/me').Source, '/home/me')
  })

  it('keeps what leaves the root inside it', () => {
    assert.equal(parseVolumeFlag('/a:/b/../../../etc/').Target, '/etc')
  })

  for (const text of ['/a:b', '/a:/', '/a::/b', '/a:/b:ro:x', '/a:/b:sideways', ':/b', 'data'])
    it(`refuses ${text}`, () => {
      assert.throws(() => parseVolumeFlag(text), InvalidArgument)
    })

  it('takes a name for a volume', () => {
    assert.deepEqual(parseVolumeFlag('data:/b:nocopy,ro'), {
      Type: 'volume',
      Source: 'data',
      Target: '/b',
      ReadOnly: true,
      CreateMountpoint: true,
      NoCopy: true,
    })
    assert.throws(() => parseVolumeFlag('..x/y:/b/..'), InvalidArgument)
  })
})

describe('--mount', () => {
  it('reads every key of a bind', () => {
    assert.deepEqual(
      parseMountFlag('type=bind,source=/a,target=/b,readonly,bind-propagation=shared,bind-recursive=writable'),
      { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, Propagation: 'shared', ReadOnlyNonRecursive: true },
    )
  })

  it('reads every key of a tmpfs', () => {
    assert.deepEqual(parseMountFlag('type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1770,ro=false'), {
      Type: 'tmpfs',
      Source: '',
      Target: '/b',
      ReadOnly: false,
      TmpfsSizeBytes: 64 * 1024 ** 2,
      TmpfsMode: 0o1770,
    })
  })

  it('reads every key of a volume', () => {
    const keys = 'volume-nocopy,volume-label=a=b,volume-label=c,volume-driver=local,volume-opt=type=tmpfs'
    assert.deepEqual(parseMountFlag(`source=data,target=/b,ro,${keys}`), {
      Type: 'volume',
      Source: 'data',
      Target: '/b',
      ReadOnly: true,
      NoCopy: true,
      VolumeLabels: { a: 'b', c: '' },
      VolumeDriver: 'local',
      VolumeOptions: { type: 'tmpfs' },
    })
  })

  it('takes quoted fields as CSV', () => {
    assert.equal(parseMountFlag('type=bind,"source=/a,b",target=/c').Source, '/a,b')
  })

  for (const [text, message] of [
    ['type=bind,target=/b', /source is required/],
    ['type=bind,source=/a', /target is required/],
    ['type=tmpfs,source=/a,target=/b', /source is not allowed/],
    ['type=tmpfs,target=/b,bind-propagation=shared', /cannot mix/],
    ['type=bind,source=/a,target=/b,tmpfs-size=1m', /cannot mix/],
    ['type=bind,source=/a,target=/b,colour=red', /unexpected key 'colour' in 'colour=red'/],
    ['type=bind,source=/a,target=/b,readonly=perhaps', /invalid value for readonly: perhaps/],
    ['type=volume,source=../data,target=/b', /invalid characters for a local volume name/],
    ['source=data,target=/b,volume-subpath=x', /a part of a volume cannot be mounted/],
    ['type=bind,source=/a,target=/b,volume-nocopy', /cannot mix/],
    ['type=npipe,source=/a,target=/b', /mount type "npipe" is not supported/],
  ] as const)
    it(`refuses ${text}`, () => {
      assert.throws(() => parseMountFlag(text), message)
    })
})

describe('--tmpfs', () => {
  it('is a path with options of mount', () => {
    assert.deepEqual(parseTmpfsFlag('/run'), ['/run', ''])
    assert.deepEqual(parseTmpfsFlag('/run:size=64k,mode=1777,exec'), ['/run', 'size=64k,mode=1777,exec'])
  })

  for (const text of ['run', '/', '/run:colour=red', '/run:size=1,source=/etc/shadow'])
    it(`refuses ${text}`, () => {
      assert.throws(() => parseTmpfsFlag(text), InvalidArgument)
    })
})
