import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { fixedAddress, freeAddress, macOf } from '../../src/network/addresses.ts'
import { bounds, contains, formatAddress, overlaps, parseAddress, parseBlock } from '../../src/network/cidr.ts'
import type { SubnetRecord } from '../../src/network/records.ts'
import { chooseSubnet, known, POOLS, parseSubnets, refuseTaken } from '../../src/network/subnets.ts'

const subnetOf = (subnet: string, more: Partial<SubnetRecord> = {}): SubnetRecord => ({
  subnet,
  gateway: formatAddress({ family: known(subnet).family, value: known(subnet).base + 1n }),
  ipRange: undefined,
  auxiliary: {},
  chosen: false,
  ...more,
})
const asked = (subnets: string[], more = {}) =>
  parseSubnets({ subnets, gateways: [], ipRanges: [], auxiliary: [], ...more })

describe('addresses of networks', () => {
  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text)
        assert.ok(address)
        const again = formatAddress(address)
        assert.deepEqual(parseAddress(again), address)
        assert.equal(
          new URL(`http://${address.family === 6 ? `[${text}]` : text}/`).hostname.replace(/[[\]]/g, ''),
          again,
        )
      }),
    )
  })

  it('are leased once each, inside the range, and never the gateway, the first, the last or a reserved one', () => {
    const block = fc.tuple(fc.nat(255), fc.integer({ min: 24, max: 29 }))
    fc.assert(
      fc.property(block, fc.nat(3), fc.nat(300), ([byte, prefix], narrower, count) => {
        const subnet = subnetOf(`10.1.${byte}.0/${prefix}`, {
          auxiliary: { router: `10.1.${byte}.2` },
          ipRange: narrower === 0 ? undefined : `10.1.${byte}.0/${Math.min(prefix + narrower, 30)}`,
        })
        const range = known(subnet.ipRange ?? subnet.subnet)
        const { first, last } = bounds(known(subnet.subnet))
        const leased = new Set<string>()
        for (let index = 0; index < count; index += 1) {
          let text: string
          try {
            text = freeAddress(subnet, leased, 'net')
          } catch (error) {
            assert.match((error as Error).message, /no available/)
            const usable = Number(bounds(range).last - bounds(range).first) + 1
            assert.ok(leased.size >= usable - 4)
            return
          }
          const address = parseAddress(text)
          assert.ok(address && contains(range, address))
          assert.ok(address.value !== first && address.value !== last)
          assert.ok(text !== subnet.gateway && text !== `10.1.${byte}.2` && !leased.has(text))
          leased.add(text)
        }
      }),
    )
  })

  it('are refused when they are asked for and taken, outside, or special', () => {
    const subnet = subnetOf('10.5.0.0/16', { auxiliary: { printer: '10.5.0.9' } })
    assert.equal(fixedAddress('10.5.7.7', subnet, new Set()), '10.5.7.7')
    for (const taken of ['10.5.0.1', '10.5.0.9', '10.5.0.5'])
      assert.throws(() => fixedAddress(taken, subnet, new Set(['10.5.0.5'])), /Address already in use/)
    for (const wrong of ['10.6.0.5', '10.5.0.0', '10.5.255.255', 'x', 'fd00::5'])
      assert.throws(() => fixedAddress(wrong, subnet, new Set()), /invalid address/)
    assert.throws(() => fixedAddress('10.5.7.7', undefined, new Set()), /invalid address/)
  })

  it('give a MAC of docker’s form', () => {
    assert.equal(macOf('172.17.0.2', 'ab'), '02:42:ac:11:00:02')
    assert.match(macOf(undefined, 'abcdef0123456789'), /^02:42:ab:cd:ef:01$/)
  })
})

describe('subnets of networks', () => {
  it('are the first of docker’s pools that overlaps nothing', () => {
    assert.equal(chooseSubnet([], '/var/lib/coracle').subnet, '172.17.0.0/16')
    assert.equal(chooseSubnet([known('172.16.0.0/12')], '/var/lib/coracle').subnet, '192.168.0.0/20')
    fc.assert(
      fc.property(fc.array(fc.nat(POOLS.length - 1)), fc.string(), (indices, root) => {
        const taken = POOLS.filter((_, index) => indices.includes(index))
        if (taken.length === POOLS.length) return assert.throws(() => chooseSubnet(taken, root), /could not find/)
        const block = known(chooseSubnet(taken, root).subnet)
        assert.ok(!taken.some((other) => overlaps(block, other)))
      }),
    )
  })

  it('get the gateway, range and reserved addresses that are inside them', () => {
    assert.deepEqual(
      asked(['10.5.0.0/16', 'fd00:5::/64'], {
        gateways: ['fd00:5::99', '10.5.0.254'],
        ipRanges: ['10.5.1.0/24'],
        auxiliary: ['router=10.5.0.7'],
      }).map(({ gateway, ipRange, auxiliary }) => ({ gateway, ipRange, auxiliary })),
      [
        { gateway: '10.5.0.254', ipRange: '10.5.1.0/24', auxiliary: { router: '10.5.0.7' } },
        { gateway: 'fd00:5::99', ipRange: undefined, auxiliary: {} },
      ],
    )
  })

  it('are refused where they overlap or make no sense', () => {
    assert.throws(() => asked(['10.5.0.0/16', '10.5.7.0/24']), /overlapping/)
    assert.throws(() => asked(['10.5.0.0/16', '10.6.0.0/16']), /multiple subnets/)
    assert.throws(() => asked(['10.5.0.0/33']), /invalid subnet/)
    assert.throws(() => asked(['10.5.0.0/31']), /no room/)
    assert.throws(() => asked(['10.5.0.0/16'], { gateways: ['10.6.0.1'] }), /no matching subnet for gateway/)
    assert.throws(() => asked([], { gateways: ['10.6.0.1'] }), /no matching subnet/)
    assert.throws(() => asked(['10.5.0.0/16'], { ipRanges: ['10.6.0.0/24'] }), /no matching subnet for range/)
    assert.throws(() => asked(['10.5.0.0/16'], { auxiliary: ['10.5.0.3'] }), /must be NAME=IP/)
    const taken = [{ block: known('10.5.128.0/17'), owner: 'network other' }]
    assert.throws(() => refuseTaken(asked(['10.5.0.0/16']), taken), /overlaps with other one.*network other/)
  })

  it('are read with their host bits dropped', () => {
    assert.deepEqual(parseBlock('10.5.7.9/16'), known('10.5.0.0/16'))
  })
})
