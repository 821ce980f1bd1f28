import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  type Block,
  bounds,
  contains,
  formatAddress,
  formatBlock,
  isWithin,
  overlaps,
  parseAddress,
  parseBlock,
} from '../../src/network/cidr.ts'

const BITS = { 4: 32, 6: 128 } as const
const anyBlock = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })),
)
/** Few bits that differ, so that blocks meet. */
const closeBlock = fc
  .tuple(fc.constantFrom('10.0.0.', 'fd00::'), fc.nat(15), fc.integer({ min: 0, max: 4 }))
  .map(([start, last, narrow]) => parsed(`${start}${last.toString(16)}/${(start.includes(':') ? 124 : 28) + narrow}`))

function parsed(text: string): Block {
  const block = parseBlock(text.replace(/^10\.0\.0\.([a-f])/, (_, digit) => `10.0.0.${Number.parseInt(digit, 16)}`))
  assert.ok(block, text)
  return block
}

/** Every address of a small block. */
function members(block: Block): string[] {
  const { first, last } = bounds(block)
  const all: string[] = []
  for (let value = first; value <= last; value += 1n) all.push(formatAddress({ family: block.family, value }))
  return all
}

describe('addresses', () => {
  it('are nothing else', () => {
    const wrong = [
      '',
      '1',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3.4/8',
      ' 1.2.3.4',
      'fe80::1%eth0',
      '1::2::3',
      ':::',
    ]
    for (const text of [...wrong, '12345::', 'g::', '::1.2.3', '[::1]', 'localhost'])
      assert.equal(parseAddress(text), undefined, text)
    fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)))
  })

  it('are numbers', () => {
    assert.deepEqual(parseAddress('1.2.3.4'), { family: 4, value: 0x01020304n })
    assert.deepEqual(parseAddress('::'), { family: 6, value: 0n })
    assert.deepEqual(parseAddress('::ffff:1.2.3.4'), { family: 6, value: 0xffff01020304n })
    assert.deepEqual(parseAddress('1:2::1.2.3.4'), { family: 6, value: (1n << 112n) | (2n << 96n) | 0x01020304n })
    assert.deepEqual(parseAddress('FD00::'), { family: 6, value: 0xfd00n << 112n })
  })

  it('survive being written and read, whatever their value', () => {
    const any = fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((value) => ({ family: 4, value }) as const),
      fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => ({ family: 6, value }) as const),
      // few words that are not zero
      fc.array(fc.tuple(fc.nat(7), fc.nat(0xffff)), { maxLength: 3 }).map((words) => {
        const value = words.reduce((sum, [at, word]) => sum | (BigInt(word) << BigInt(16 * at)), 0n)
        return { family: 6, value } as const
      }),
    )
    fc.assert(fc.property(any, (address) => assert.deepEqual(parseAddress(formatAddress(address)), address)))
  })
})

describe('blocks of addresses', () => {
  it('are nothing else', () => {
    for (const text of [
      '',
      '/8',
      '1.2.3.4',
      '1.2.3.4/',
      '1.2.3.4/33',
      '1.2.3.4/-1',
      '::/129',
      '1.2.3/8',
      'x/8',
      '1.2.3.4/8/8',
    ])
      assert.equal(parseBlock(text), undefined, text)
    fc.assert(fc.property(fc.string(), (text) => void parseBlock(text)))
  })

  it('lose their host bits, and are written as they are read', () => {
    fc.assert(
      fc.property(anyBlock, ([address, prefix]) => {
        const block = parseBlock(`${address}/${prefix}`)
        assert.ok(block)
        assert.equal(block.base % (1n << BigInt(BITS[block.family] - prefix)), 0n)
        assert.deepEqual(parseBlock(formatBlock(block)), block)
        const inside = parseAddress(address)
        assert.ok(inside && contains(block, inside))
        const { first, last } = bounds(block)
        assert.equal(last - first + 1n, 1n << BigInt(BITS[block.family] - prefix))
        assert.ok(!contains(block, { family: block.family, value: last + 1n }))
        assert.ok(!contains(block, { family: block.family === 4 ? 6 : 4, value: first }))
      }),
    )
  })

  it('overlap where they share an address, and lie within each other where they share all', () => {
    fc.assert(
      fc.property(closeBlock, closeBlock, (one, other) => {
        const [a, b] = [members(one), new Set(members(other))]
        assert.equal(
          overlaps(one, other),
          a.some((address) => b.has(address)),
        )
        assert.equal(overlaps(other, one), overlaps(one, other))
        assert.equal(
          isWithin(one, other),
          a.every((address) => b.has(address)),
        )
      }),
    )
  })
})
