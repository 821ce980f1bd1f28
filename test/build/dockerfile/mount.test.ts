import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { DockerfileInvalid } from '../../../src/build/dockerfile/errors.ts'
import { mountOrigin, parseMount } from '../../../src/build/dockerfile/mount.ts'
import { refusal } from '../../support/dockerfiles.ts'

const read = (mount: string) => parseMount(mount, (value) => value.replaceAll('$v', 'value'))

describe('mounts of RUN', () => {
  for (const [mount, expected] of [
    ['target=/a', { type: 'bind', target: '/a', readOnly: true }],
    ['type=bind,from=x,source=/s,dst=/a,rw', { type: 'bind', from: 'x', source: '/s', target: '/a', readOnly: false }],
    ['TYPE=Bind,destination=/a,readonly=false', { type: 'bind', target: '/a', readOnly: false }],
    ['type=cache,target=/a', { type: 'cache', target: '/a', sharing: 'shared', readOnly: false }],
    [
      'type=cache,target=/a,id=$v,sharing=LOCKED,from=b,src=c,mode=0700,uid=1,gid=2,ro',
      {
        type: 'cache',
        id: 'value',
        from: 'b',
        source: 'c',
        target: '/a',
        sharing: 'locked',
        readOnly: true,
        mode: 0o700,
        uid: 1,
        gid: 2,
      },
    ],
    ['type=tmpfs,target=/a,size=10m', { type: 'tmpfs', target: '/a', sizeBytes: 10_485_760, readOnly: false }],
    ['type=tmpfs,target=/a', { type: 'tmpfs', target: '/a', sizeBytes: 0, readOnly: false }],
    ['type=secret,id=a/b', { type: 'secret', id: 'a/b', target: '/run/secrets/b', required: false }],
    ['type=secret,target=/x/y,required', { type: 'secret', id: 'y', target: '/x/y', required: true }],
    ['type=secret,src=a,env=B', { type: 'secret', id: 'a', env: 'B', required: false }],
    ['type=secret,id=a,env=', { type: 'secret', id: 'a', env: 'a', required: false }],
    [
      'type=secret,id=a,env=B,target=/c,mode=440',
      { type: 'secret', id: 'a', target: '/c', env: 'B', required: false, mode: 0o440 },
    ],
    ['type=ssh', { type: 'ssh', id: 'default', required: false }],
    ['required=true,type=ssh,id=x,target=/s,uid=0', { type: 'ssh', id: 'x', target: '/s', required: true, uid: 0 }],
    ['"target=/a,b",type=tmpfs', { type: 'tmpfs', target: '/a,b', sizeBytes: 0, readOnly: false }],
  ] as const)
    it(`are read from ${mount}`, () => {
      assert.deepEqual(read(mount), expected)
    })

  for (const [mount, problem] of [
    ['type=volume,target=/a', 'unsupported mount type "volume"'],
    ['type=secrets,id=a', 'unsupported mount type "secrets" (did you mean secret?)'],
    ['tagret=/a', "unexpected key 'tagret' (did you mean target?)"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['type=bind,size=1m,target=/a', 'size not allowed for "bind" type mounts'],
    ['type=tmpfs,uid=1,target=/a', 'uid not allowed for "tmpfs" type mounts'],
    ['type=bind,required,target=/a', 'required not allowed for "bind" type mounts'],
    ['type=bind,sharing=shared,target=/a', 'sharing not allowed for "bind" type mounts'],
    ['type=cache,sharing=share,target=/a', 'unsupported sharing value "share" (did you mean shared?)'],
    ['type=cache,mode=9,target=/a', 'invalid value 9 for mode'],
    ['type=cache,uid=-1,target=/a', 'invalid value -1 for uid'],
    ['type=cache,gid=4294967296,target=/a', 'invalid value 4294967296 for gid'],
    ['type=tmpfs,size=big', 'invalid value "big" in a mount'],
    ['target=/a,ro=perhaps', 'invalid value "perhaps" in a mount'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=ssh,source=a', 'ssh does not support source'],
    ['a"b', 'failed to parse csv mounts: bare " in non-quoted field'],
    ['__proto__=x', "unexpected key '__proto__'"],
  ] as const)
    it(`are refused: ${mount}`, () => {
      assert.equal(refusal(() => read(mount)).problem, problem)
    })

  it('name what they need', () => {
    assert.equal(mountOrigin('type=cache,FROM=base,target=/$x'), 'base')
    assert.equal(mountOrigin('target=/a'), undefined)
  })

  it('are mounts or refused, whatever is written', () => {
    const part = fc.constantFrom('type', 'bind', 'cache', 'secret', 'target', 'id', 'ro', '=', ',', '"', '/a', '1', 'x')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        try {
          assert(read(parts.join('')).type.length > 0)
        } catch (error) {
          assert(error instanceof DockerfileInvalid, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
