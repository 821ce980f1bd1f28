import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { encodePlan } from '../../src/linux/encode-plan.ts'
import type { ChildStep, LaunchPlan } from '../../src/linux/plan.ts'
import { OPTIONAL, WireWriter } from '../../src/linux/wire-writer.ts'

interface Record {
  readonly code: number
  readonly payload: Buffer
}

function encode(plan: Partial<LaunchPlan>): Record[] {
  const writer = new WireWriter()
  encodePlan(writer, { namespaces: [], before: [], after: [], child: [], ...plan })
  return recordsOf(writer.finish())
}

/** Reads as native/wire.c does: a length too long is the end of the game. */
function recordsOf(bytes: Buffer): Record[] {
  const records: Record[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at + 4)
    assert(at + 8 + size <= bytes.length, 'a record ends where the bytes do, at the latest')
    records.push({ code: bytes.readUInt32LE(at), payload: bytes.subarray(at + 8, at + 8 + size) })
    at += 8 + size
  }
  return records
}

/** Reads strings of a payload from its start. */
function stringsOf(payload: Buffer, count: number): string[] {
  const strings: string[] = []
  for (let at = 0; strings.length < count; ) {
    const size = payload.readUInt32LE(at)
    assert.equal(payload[at + 4 + size], 0, 'a string ends in a NUL')
    strings.push(payload.toString('utf8', at + 4, at + 4 + size))
    at += 5 + size
  }
  return strings
}

const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '').toWellFormed())

describe('encodePlan', () => {
  it('carries every string whole, whatever is in it', () => {
    fc.assert(
      fc.property(text, text, fc.array(text), (file, name, argv) => {
        const [clone, hostname, exec] = encode({
          child: [
            { do: 'hostname', name },
            { do: 'exec', file, argv, env: [] },
          ],
        })
        assert.deepEqual([clone?.code, hostname?.code, exec?.code], [40, 78, 92])
        assert(hostname && exec)
        assert.deepEqual(stringsOf(hostname.payload, 1), [name])
        const [first = ''] = stringsOf(exec.payload, 1)
        assert.equal(first, file)
        const rest = exec.payload.subarray(5 + Buffer.byteLength(file))
        assert.equal(rest.readUInt32LE(0), argv.length)
        assert.deepEqual(stringsOf(rest.subarray(4), argv.length), argv)
      }),
    )
  })

  it('refuses a NUL, which would cut a path short where it is used', () => {
    assert.throws(() => encode({ child: [{ do: 'mask', target: '/proc\0/kcore' }] }), TypeError)
  })

  it('puts the clone between the host steps before and after it', () => {
    const records = encode({
      namespaces: ['pid', 'mount'],
      before: [{ do: 'cgroup', path: '/g', remove: true }],
      after: [{ do: 'join-cgroup', path: '/g' }],
      child: [{ do: 'loopback-up' }],
    })
    assert.deepEqual(
      records.map(({ code }) => code),
      [32, 40, 36, 81],
    )
    assert.equal(records[1]?.payload.readBigUInt64LE(), 0x2002_0000n)
  })

  it('marks the steps whose failure is a warning', () => {
    const write = { do: 'write', path: '/x', text: '1' } as const
    const [hard, soft] = encode({
      before: [
        { ...write, optional: false },
        { ...write, optional: true },
      ],
    })
    assert.deepEqual([hard?.code, soft?.code], [33, 33 + OPTIONAL])
    const [, limit] = encode({ child: [{ do: 'rlimit', resource: 'RLIMIT_NOFILE', soft: -1, hard: -1 }] })
    assert.equal(limit?.code, 82 + OPTIONAL)
    assert.deepEqual(limit?.payload.subarray(-16), Buffer.alloc(16, 0xff)) // RLIM_INFINITY
  })

  it('drops the bounding set before the last change of user: afterwards it could not', () => {
    const user = { do: 'user', uid: 1, gid: 1, groups: [] } as const
    const none = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n }
    const codes = (child: ChildStep[]) => encode({ child }).map(({ code }) => code)
    assert.deepEqual(
      codes([user, { do: 'loopback-up' }, user, { do: 'capabilities', ...none }]),
      [40, 86, 81, 93, 86, 87],
    )
    assert.deepEqual(codes([{ do: 'capabilities', ...none }]), [40, 93, 87])
  })

  it('keeps all 64 bits of a capability set', () => {
    const all = 2n ** 64n - 1n
    const sets = { bounding: all, effective: all, permitted: all, inheritable: all, ambient: all }
    const [, bounding, rest] = encode({ child: [{ do: 'capabilities', ...sets }] })
    assert.deepEqual([bounding?.payload, rest?.payload], [Buffer.alloc(8, 0xff), Buffer.alloc(32, 0xff)])
  })

  it('says which limit does not exist', () => {
    const limit: ChildStep = { do: 'rlimit', resource: 'RLIMIT_PATIENCE', soft: 0, hard: 0 }
    assert.throws(() => encode({ child: [limit] }), /PATIENCE/)
  })
})
