import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { deviceFilter } from '../../../src/linux/cgroups/device-filter.ts'
import type { Resources } from '../../../src/oci/runtime-spec.ts'

type Rule = NonNullable<Resources['devices']>[number]
interface Wish {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly access: string
}

const BITS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }
const bitsOf = (access: string) => [...access].reduce((sum, letter) => sum | (BITS[letter] ?? 0), 0)

/** A machine for the eBPF instructions that device filters are made of. */
function admits(program: Uint8Array, { type, major, minor, access }: Wish): boolean {
  const context = [(bitsOf(access) << 16) | (type === 'b' ? 1 : 2), major, minor]
  const code = Buffer.from(program)
  const registers: number[] = []
  for (let at = 0; at * 8 < code.length; at++) {
    const [opcode, names] = [code.readUInt8(at * 8), code.readUInt8(at * 8 + 1)]
    const [offset, immediate] = [code.readInt16LE(at * 8 + 2), code.readInt32LE(at * 8 + 4)]
    const [target, source] = [names & 15, names >> 4]
    const value = registers[target] ?? 0
    if (opcode === 0x95) return registers[0] === 1
    else if (opcode === 0x61) registers[target] = context[offset / 4] ?? 0
    else if (opcode === 0xb4) registers[target] = immediate
    else if (opcode === 0xbc) registers[target] = registers[source] ?? 0
    else if (opcode === 0x54) registers[target] = value & immediate
    else if (opcode === 0x74) registers[target] = value >>> immediate
    else if (opcode === 0x55) at += value !== immediate ? offset : 0
    else if (opcode === 0x15) at += value === immediate ? offset : 0
    else assert.fail(`unknown instruction ${opcode.toString(16)}`)
  }
  return assert.fail('the program has no end')
}

/** The last rule that matches decides; nothing does, nothing is allowed. */
function judge(rules: readonly Rule[], wish: Wish): boolean {
  const last = rules.findLast(({ allow, type = 'a', major = -1, minor = -1, access = 'rwm' }) => {
    const wanted = [...wish.access]
    const fits = allow ? wanted.every((one) => access.includes(one)) : wanted.some((one) => access.includes(one))
    const same = (rule: number, actual: number) => rule < 0 || rule === actual
    return (type === 'a' || type === wish.type) && same(major, wish.major) && same(minor, wish.minor) && fits
  })
  return last?.allow ?? false
}

const number = fc.integer({ min: 0, max: 3 })
const access = fc.subarray(['r', 'w', 'm'], { minLength: 1 }).map((letters) => letters.join(''))
const rule = fc.record(
  {
    allow: fc.boolean(),
    type: fc.constantFrom('a', 'b', 'c'),
    major: fc.integer({ min: -1, max: 3 }),
    minor: fc.integer({ min: -1, max: 3 }),
    access,
  },
  { requiredKeys: ['allow'] },
)
const wish = fc.record({ type: fc.constantFrom('b', 'c'), major: number, minor: number, access })

describe('deviceFilter', () => {
  it('admits what the last matching rule admits', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), fc.array(wish, { minLength: 8 }), (rules, wishes) => {
        const program = deviceFilter(rules as Rule[])
        for (const one of wishes) assert.equal(admits(program, one), judge(rules as Rule[], one))
      }),
    )
  })

  it('admits nothing without a rule', () => {
    assert.equal(admits(deviceFilter([]), { type: 'c', major: 1, minor: 3, access: 'r' }), false)
  })
})
