import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { SeccompInvalid } from '../../../src/linux/errors.ts'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import { type ProfileContext, parseProfile } from '../../../src/linux/seccomp/parse-profile.ts'

const context: ProfileContext = { capabilities: ['CAP_CHOWN'], arch: 'x64', kernel: '6.1.0-9-amd64' }

function parse(profile: object, more: Partial<ProfileContext> = {}) {
  return parseProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', ...profile }), { ...context, ...more })
}

/** Does a rule with these conditions apply? */
function applies(conditions: object, more?: Partial<ProfileContext>): boolean {
  const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW', ...conditions }
  return parse({ syscalls: [rule] }, more).syscalls?.length === 1
}

describe('parseProfile', () => {
  it('takes the rules that are meant for this machine, kernel and container', () => {
    assert(applies({}))
    assert(applies({ includes: { arches: ['amd64'] } }) && !applies({ includes: { arches: ['s390x'] } }))
    assert(applies({ excludes: { arches: ['s390x'] } }) && !applies({ excludes: { arches: ['amd64'] } }))
    assert(applies({ includes: { caps: ['CAP_CHOWN'] } }) && !applies({ includes: { caps: ['CAP_SYS_ADMIN'] } }))
    assert(applies({ excludes: { caps: ['CAP_SYS_ADMIN'] } }) && !applies({ excludes: { caps: ['CAP_CHOWN'] } }))
    assert(applies({ includes: { minKernel: '6.1' } }) && !applies({ includes: { minKernel: '6.2' } }))
    assert(applies({ excludes: { minKernel: '6.2' } }) && !applies({ excludes: { minKernel: '4.8' } }))
  })

  it('adds the machines that docker’s map names for this one', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    ]
    assert.deepEqual(parse({ archMap }).architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  })

  it('reads the single name of old profiles, error numbers and conditions', () => {
    const args = [{ index: 1, value: 5, valueTwo: 6, op: 'SCMP_CMP_MASKED_EQ' }]
    const { syscalls } = parse({ syscalls: [{ name: 'read', action: 'SCMP_ACT_ERRNO', errnoRet: 13, args }] })
    assert.deepEqual(syscalls, [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args }])
  })

  it('refuses a number that JSON cannot hold exactly, instead of matching another', () => {
    const text = `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
      "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_MASKED_EQ"}]}]}`
    assert.throws(() => parseProfile(text, context), SeccompInvalid)
  })

  it('refuses what is of another form', () => {
    const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW' }
    const hostile: unknown[] = [
      [],
      'text',
      { syscalls: 'all' },
      { defaultAction: 5 },
      { syscalls: [5] },
      { syscalls: [{ ...rule, names: [5] }] },
      { syscalls: [{ ...rule, args: [{ index: -1, value: 0, op: '' }] }] },
      { syscalls: [{ ...rule, args: [{ index: 0, value: 0.5, op: '' }] }] },
      { syscalls: [{ ...rule, includes: 'caps' }] },
      { syscalls: [{ ...rule, includes: { minKernel: 'newest' } }] },
      { syscalls: Array(10_001).fill(rule) },
    ]
    for (const profile of hostile) {
      const text = JSON.stringify(
        typeof profile === 'string' || Array.isArray(profile)
          ? profile
          : { defaultAction: 'SCMP_ACT_ERRNO', ...(profile as object) },
      )
      assert.throws(() => parseProfile(text, context), SeccompInvalid, text.slice(0, 200))
    }
    assert.throws(() => parseProfile('{', context), SeccompInvalid)
    assert.throws(() => parseProfile('['.repeat(100_000), context), SeccompInvalid)
  })

  it('answers any JSON with a filter or with its own error', () => {
    const keys = [
      'defaultAction',
      'syscalls',
      'names',
      'name',
      'action',
      'args',
      'index',
      'value',
      'op',
      'includes',
      'caps',
    ]
    const leaf = fc.oneof(
      fc.constantFrom('SCMP_ACT_ALLOW', 'read', '__proto__', 'SCMP_CMP_EQ'),
      fc.integer(),
      fc.double(),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), tie('object')),
      object: fc.dictionary(fc.constantFrom(...keys), tie('value')),
    }))
    fc.assert(
      fc.property(value, (profile) => {
        try {
          compileSeccomp(parseProfile(JSON.stringify(profile), context), 'x64')
        } catch (error) {
          assert(error instanceof SeccompInvalid, String(error))
        }
      }),
      { numRuns: 500 },
    )
  })
})
