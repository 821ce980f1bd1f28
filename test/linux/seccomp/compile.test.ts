import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { SeccompInvalid } from '../../../src/linux/errors.ts'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import { type SyscallArchitecture, syscallNumbers } from '../../../src/linux/seccomp/syscalls.ts'
import type { SeccompRule, SeccompSpec } from '../../../src/oci/runtime-spec.ts'
import { AUDIT, runFilter, verdictOf, X32_BIT } from '../../support/classic-bpf.ts'

const ENOSYS = 38
const OPERATORS = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`)

function deny(...syscalls: SeccompRule[]): SeccompSpec {
  return { defaultAction: 'SCMP_ACT_ERRNO', syscalls }
}

function allow(name: string, ...args: NonNullable<SeccompRule['args']>): SeccompRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args }
}

function numberOf(architecture: SyscallArchitecture, name: string): number {
  const number = syscallNumbers(architecture).get(name)
  assert(number !== undefined, name)
  return number
}

/** What the rules say, read as a person reads them. */
function judge({ defaultAction, defaultErrnoRet, syscalls = [] }: SeccompSpec, name: string, args: bigint[]): string {
  const own = syscalls.filter(({ names }) => names.includes(name))
  const found =
    own.find((rule) => rule.args?.length && rule.args.every((argument) => fits(argument, args))) ??
    own.find((rule) => !rule.args?.length)
  const { action, errnoRet = 1 } = found ?? { action: defaultAction, errnoRet: defaultErrnoRet }
  if (action === 'SCMP_ACT_ALLOW') return 'allow'
  return action === 'SCMP_ACT_ERRNO' ? `errno ${errnoRet}` : 'kill process'
}

function fits({ index, op, value, valueTwo = 0 }: NonNullable<SeccompRule['args']>[number], args: bigint[]): boolean {
  const [actual, wanted] = [args[index] ?? 0n, BigInt(value)]
  if (op === 'SCMP_CMP_EQ') return actual === wanted
  if (op === 'SCMP_CMP_NE') return actual !== wanted
  if (op === 'SCMP_CMP_LT') return actual < wanted
  if (op === 'SCMP_CMP_LE') return actual <= wanted
  if (op === 'SCMP_CMP_GT') return actual > wanted
  if (op === 'SCMP_CMP_GE') return actual >= wanted
  return (actual & wanted) === BigInt(valueTwo)
}

/** Values that differ in one half only, or by one, are where a 32-bit machine goes wrong. */
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc
    .tuple(fc.constantFrom(0n, 1n, 2n, 0xffff_ffffn), fc.constantFrom(0n, 1n, 2n, 0xffff_ffffn))
    .map(([high, low]) => (high << 32n) | low),
)
const argument = fc.record({
  index: fc.nat(5),
  value: word,
  valueTwo: word,
  op: fc.constantFrom(...OPERATORS),
})
const NAMES = ['read', 'clone', 'socket', 'openat', 'ptrace', 'getppid']
const rule: fc.Arbitrary<SeccompRule> = fc.record({
  names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
  action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS'),
  errnoRet: fc.constantFrom(1, 13, 38),
  args: fc.array(argument, { maxLength: 3 }),
})

describe('compileSeccomp', () => {
  for (const [arch, table, audit, bit] of [
    ['x64', 'x86_64', AUDIT.x64, 0],
    ['x64', 'x86', AUDIT.x86, 0],
    ['x64', 'x32', AUDIT.x64, X32_BIT],
    ['arm64', 'aarch64', AUDIT.arm64, 0],
    ['arm64', 'arm', AUDIT.arm, 0],
  ] as const) {
    it(`makes programs that judge calls of ${table} as the rules say`, () => {
      const architectures = [`SCMP_ARCH_${table.toUpperCase()}`]
      const calls = fc.record({
        name: fc.constantFrom(...NAMES),
        args: fc.array(word, { minLength: 6, maxLength: 6 }),
      })
      fc.assert(
        fc.property(fc.array(rule, { maxLength: 6 }), fc.array(calls, { minLength: 4 }), (syscalls, list) => {
          // Rules about the highest calls (of x32, too) keep the others below what is unknown.
          const spec = { ...deny(...syscalls, allow('futex_wait'), allow('pwritev2')), architectures }
          const { program } = compileSeccomp(spec, arch)
          for (const { name, args } of list) {
            const number = syscallNumbers(table).get(name)
            if (number === undefined) continue
            const verdict = runFilter(program, { number: number + bit, audit, args })
            assert.equal(verdictOf(verdict), judge(spec, name, args), name)
          }
        }),
        { numRuns: 150 },
      )
    })
  }

  for (const op of OPERATORS) {
    it(`compares all 64 bits for ${op}`, () => {
      const number = numberOf('x86_64', 'socket')
      fc.assert(
        fc.property(word, word, word, fc.nat(5), (value, valueTwo, actual, index) => {
          const condition = { index, value, valueTwo, op }
          const args = Array.from({ length: 6 }, (_, at) => (at === index ? actual : ~actual & (2n ** 64n - 1n)))
          const { program } = compileSeccomp(deny(allow('socket', condition)), 'x64')
          const verdict = verdictOf(runFilter(program, { number, audit: AUDIT.x64, args }))
          assert.equal(verdict, fits(condition, args) ? 'allow' : 'errno 1')
        }),
      )
    })
  }

  it('asks rules with conditions in their order, one that says what the rest says included', () => {
    const first = allow('socket', { index: 0, value: 1, op: 'SCMP_CMP_EQ' })
    const second = { ...allow('socket', { index: 0, value: 10, op: 'SCMP_CMP_LT' }), action: 'SCMP_ACT_ERRNO' }
    const { program } = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [first, second] }, 'x64')
    const number = numberOf('x86_64', 'socket')
    const verdicts = [1n, 2n, 10n].map((value) => runFilter(program, { number, audit: AUDIT.x64, args: [value] }))
    assert.deepEqual(verdicts.map(verdictOf), ['allow', 'errno 1', 'allow'])
  })

  it('answers ENOSYS to calls newer than the profile, and EPERM to those it knows and does not name', () => {
    const { program } = compileSeccomp(deny(allow('read'), allow('statx')), 'x64')
    const verdict = (number: number) => verdictOf(runFilter(program, { number, audit: AUDIT.x64 }))
    assert.equal(verdict(numberOf('x86_64', 'statx')), 'allow')
    assert.equal(verdict(numberOf('x86_64', 'statx') + 1), `errno ${ENOSYS}`)
    assert.equal(verdict(0x3fff_ffff), `errno ${ENOSYS}`)
    assert.equal(verdict(numberOf('x86_64', 'mount')), 'errno 1')
  })

  it('kills who calls in the way of an architecture that the profile does not list', () => {
    const { program } = compileSeccomp(deny(allow('read')), 'x64')
    assert.equal(verdictOf(runFilter(program, { number: 3, audit: AUDIT.x86 })), 'kill process')
    assert.equal(verdictOf(runFilter(program, { number: 63, audit: AUDIT.arm64 })), 'kill process')
    assert.equal(verdictOf(runFilter(program, { number: X32_BIT, audit: AUDIT.x64 })), 'kill process')
  })

  it('lets no call of x32 through as one of x86-64, nor the other way round', () => {
    const { program } = compileSeccomp({ ...deny(allow('read')), architectures: ['SCMP_ARCH_X32'] }, 'x64')
    const verdict = (number: number) => verdictOf(runFilter(program, { number, audit: AUDIT.x64 }))
    assert.deepEqual([verdict(0), verdict(X32_BIT)], ['allow', 'allow'])
    assert.notEqual(verdict(X32_BIT + numberOf('x86_64', 'mount')), 'allow')
  })

  it('ignores names of calls that this machine does not have', () => {
    const { program } = compileSeccomp(deny(allow('read'), allow('no_such_call')), 'x64')
    assert.deepEqual(program, compileSeccomp(deny(allow('read')), 'x64').program)
  })

  it('passes flags on', () => {
    const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
    assert.equal(compileSeccomp({ ...deny(), flags }, 'x64').flags, 6)
  })

  const condition = { index: 0, value: 0, op: 'SCMP_CMP_EQ' }
  const different = (at: number) => allow('read', { ...condition, value: at })
  const invalid: Record<string, SeccompSpec> = {
    'an unknown action': { defaultAction: 'SCMP_ACT_PRAY' },
    'a listener': { ...deny(), listenerPath: '/run/listener' },
    'an unknown flag': { ...deny(), flags: ['SECCOMP_FILTER_FLAG_MAGIC'] },
    'an architecture that is none': { ...deny(), architectures: ['pdp11'] },
    'an unknown operator': deny(allow('read', { ...condition, op: 'SCMP_CMP_ROUGHLY' })),
    'a seventh argument': deny(allow('read', { ...condition, index: 6 })),
    'an error number of more than 16 bits': { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 65_536 },
    'conditions beyond the reach of a jump': deny(allow('read', ...Array(60).fill(condition))),
    'more rules than the kernel takes': deny(...Array.from({ length: 2000 }, (_, at) => different(at))),
    'so many rules that they fill the stack': {
      ...deny(),
      syscalls: Array.from({ length: 200_000 }, (_, at) => different(at)),
    },
  }
  for (const [title, spec] of Object.entries(invalid)) {
    it(`refuses ${title}`, () => {
      assert.throws(() => compileSeccomp(spec, 'x64'), SeccompInvalid)
    })
  }
})
