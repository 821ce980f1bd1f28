import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { formatPlan } from '../../src/linux/print-plan.ts'

describe('formatPlan', () => {
  it('takes a line for each step, whatever its strings hold', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (name, argv) => {
        const plan = formatPlan({
          namespaces: ['pid'],
          before: [{ do: 'cgroup', path: name, remove: true }],
          after: [],
          child: [
            { do: 'hostname', name },
            { do: 'exec', file: name, argv, env: [] },
          ],
        })
        const lines = ['before', '  cgroup', 'clone', 'after', 'child', '  hostname', '  exec', '']
        assert.equal(plan.split('\n').length, lines.length)
      }),
    )
  })

  it('reads as the steps in the order they are done', () => {
    const plan = formatPlan({
      namespaces: ['pid', 'mount'],
      before: [{ do: 'cgroup', path: '/sys/fs/cgroup/x', remove: true }],
      after: [{ do: 'join-cgroup', path: '/sys/fs/cgroup/x' }],
      child: [
        { do: 'capabilities', bounding: 1n, effective: 255n, permitted: 0n, inheritable: 0n, ambient: 0n },
        { do: 'seccomp', program: new Uint8Array(16), flags: 0 },
        { do: 'exec', file: 'sh', argv: ['sh', '-c', 'a\nb'], env: [] },
      ],
    })
    assert.equal(
      plan,
      `before
  cgroup path="/sys/fs/cgroup/x" remove=true
clone pid mount
after
  join-cgroup path="/sys/fs/cgroup/x"
child
  capabilities bounding=0x1 effective=0xff permitted=0x0 inheritable=0x0 ambient=0x0
  seccomp program=16 bytes flags=0
  exec file="sh" argv=["sh","-c","a\\nb"] env=[]
`,
    )
  })
})
