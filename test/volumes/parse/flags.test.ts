import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../../src/errors.ts'
import { parseMountFlag } from '../../../src/volumes/parse/mount-flag.ts'
import { parseTmpfsFlag } from '../../../src/volumes/parse/tmpfs-flag.ts'
import { parseVolumeFlag } from '../../../src/volumes/parse/volume-flag.ts'
import type { MountSetting } from '../../../src/volumes/types.ts'

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

  const broken = [
    ...['/a:b', '/a:/', '/a::/b', '/a:/b:ro:x', '/a:/b:sideways', ':/b', 'data', '/a:/b:ro,rw', '/a:/b:z,Z', '/a\0:/b'],
    ...[
      '/a:/b:nocopy',
      'data:/b:rshared',
      '/a:/b:shared,slave',
      '/a:/b:O,ro',
      '/a:/b:O,idmap',
      '/a:/b:idmap=uids=0-0-1',
    ],
  ]
  for (const text of broken)
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseVolumeFlag(text), InvalidArgument)
    })

  it('takes podman’s words for other owners and for changes that are thrown away', () => {
    assert.equal(parseVolumeFlag('/a:/b:O').Overlay, true)
    assert.equal(parseVolumeFlag('/a:/b:ro,idmap').IdMap, true)
    assert.deepEqual(parseVolumeFlag('data:/b:idmap=uids=0-5-1#7-8-2;gids=1-2-3').IdMap, {
      Uids: [
        [0, 5, 1],
        [7, 8, 2],
      ],
      Gids: [[1, 2, 3]],
    })
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
    ['source=data,target=/b,volume-subpath=../x', /subpath must be a relative path within the volume/],
    ['source=data,target=/b,volume-subpath=/x', /subpath must be a relative path within the volume/],
    ['target=/b,volume-subpath=x', /must not set Subpath when using anonymous volumes/],
    ['type=bind,source=/a,target=/b,bind-recursive=readonly', /requires 'readonly' to be specified/],
    ['type=bind,source=/a,target=/b,idmap=uids=0-1-1', /invalid id map/],
    ['type=bind,source=/a,target=/b,idmap=uids=0-1-0;gids=0-1-1', /invalid id range "0-1-0"/],
    ['type=bind,source=/a,target=/b,idmap=uids=0-1-4#2-9-1;gids=0-1-1', /id ranges overlap/],
    ['type=bind,sou"rce=/a,target=/b', /bare "/],
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

describe('any flag that mounts something', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '/a',
      '..',
      '.',
      'data',
      'ro',
      'O',
      'idmap=',
      'uids=0-0-1',
      'gids=',
      'type=',
      'bind',
      'target=',
    ),
    fc.constantFrom('source=', 'volume-subpath=', '"', ',', ':', ';', '#', '=', '\0', 'tmpfs-size=', '9'.repeat(12)),
    fc.string({ maxLength: 5, unit: 'binary' }),
  )
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))

  it('is refused in words, or says a target inside and a source that cannot be mistaken', () => {
    for (const parse of [parseVolumeFlag, parseMountFlag])
      fc.assert(
        fc.property(text, (words) => {
          let setting: MountSetting
          try {
            setting = parse(words, '/here')
          } catch (error) {
            assert(error instanceof InvalidArgument, String(error))
            return
          }
          const { Type, Source, Target, Subpath = '' } = setting
          assert.match(Target, /^\/[^\0]/)
          assert(!Target.split('/').includes('..'))
          assert(!`${Source}${Subpath}`.includes('\0'))
          assert(!Subpath.startsWith('/') && !Subpath.split('/').includes('..'))
          if (Type === 'bind') assert(Source.startsWith('/'))
          else assert(!Source.includes('/'))
        }),
        { numRuns: 3000 },
      )
  })
})
