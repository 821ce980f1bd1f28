import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { bounds, contains, isWithin, parseAddress } from '../../src/network/cidr.ts'
import {
  chooseSubnet,
  chooseSubnet6,
  hostBlocks,
  known,
  POOLS,
  parseSubnets,
  type SubnetFlags,
} from '../../src/network/subnets.ts'

const parse = (flags: Partial<SubnetFlags>) =>
  parseSubnets({ subnets: [], gateways: [], ipRanges: [], auxiliary: [], ...flags })

describe('subnets that users name', () => {
  const subnets = ['10.5.0.0/16', 'fd00:5::/64']

  it('are refused with what does not fit them', () => {
    const refused = (pattern: RegExp, flags: Partial<SubnetFlags>) =>
      assert.throws(() => parse({ subnets, ...flags }), pattern)
    refused(/invalid subnet x: it is no CIDR block/, { subnets: ['x'] })
    for (const subnet of ['224.1.0.0/16', '127.3.0.0/16', '0.0.0.0/0', 'fe80::/64', 'ff02::/64'])
      refused(/multicast, loopback or one link only/, { subnets: [subnet] })
    refused(/no room/, { subnets: ['10.5.0.4/31'] })
    refused(/no room/, { subnets: ['fd00::/127'] })
    refused(/multiple subnets/, { subnets: ['fd00:5::/64', 'fd00:6::/64'] })
    refused(/overlapping/, { subnets: ['10.5.0.0/16', '10.5.0.0/16'] })
    refused(/invalid gateway address: x/, { gateways: ['x'] })
    refused(/first or last/, { gateways: ['10.5.0.0'] })
    refused(/first or last/, { gateways: ['10.5.255.255'] })
    refused(/first or last/, { gateways: ['fd00:5::'] })
    refused(/multiple gateways/, { gateways: ['10.5.0.1', '10.5.0.2'] })
    refused(/invalid ip-range x/, { ipRanges: ['x'] })
    refused(/no matching subnet for range/, { ipRanges: ['10.0.0.0/8'] })
    refused(/multiple ranges/, { ipRanges: ['10.5.1.0/24', '10.5.2.0/24'] })
    refused(/must be NAME=IP/, { auxiliary: ['10.5.0.3'] })
    refused(/must be NAME=IP/, { auxiliary: ['name='] })
    refused(/invalid auxiliary address: x/, { auxiliary: ['name=x'] })
    refused(/no matching subnet for auxiliary address 10\.6\.0\.1/, { auxiliary: ['name=10.6.0.1'] })
  })

  it('take several reserved addresses, in whatever spelling, and the last address of version 6', () => {
    const [four, six] = parse({
      subnets,
      auxiliary: ['a=10.5.0.7', 'b=10.5.0.8', 'c=FD00:5:0::9'],
      gateways: ['fd00:5::ffff:ffff:ffff:ffff'],
    })
    assert.deepEqual(four?.auxiliary, { a: '10.5.0.7', b: '10.5.0.8' })
    assert.deepEqual(six, {
      subnet: 'fd00:5::/64',
      gateway: 'fd00:5::ffff:ffff:ffff:ffff',
      ipRange: undefined,
      auxiliary: { c: 'fd00:5::9' },
      chosen: false,
    })
  })

  it('hold their gateways, ranges and reserved addresses, or are refused in words', () => {
    const four = fc.tuple(fc.constantFrom('10.5.0.', '10.5.1.', '10.6.0.'), fc.nat(255)).map((pair) => pair.join(''))
    const block = fc.tuple(four, fc.integer({ min: 14, max: 32 })).map((pair) => pair.join('/'))
    const flags = fc.record({
      subnets: fc.array(block, { maxLength: 2 }),
      gateways: fc.array(four, { maxLength: 2 }),
      ipRanges: fc.array(block, { maxLength: 1 }),
      auxiliary: fc.array(
        four.map((address) => `name=${address}`),
        { maxLength: 2 },
      ),
    })
    fc.assert(
      fc.property(flags, (asked) => {
        let records: ReturnType<typeof parse>
        try {
          records = parse(asked)
        } catch (error) {
          return assert.match((error as Error).message, /invalid|multiple|no matching|first or last/)
        }
        for (const { subnet, gateway, ipRange, auxiliary } of records) {
          const whole = known(subnet)
          for (const text of [gateway, ...Object.values(auxiliary)]) {
            const address = parseAddress(text)
            assert.ok(address && contains(whole, address) && address.value !== bounds(whole).first)
          }
          if (ipRange !== undefined) assert.ok(isWithin(known(ipRange), whole))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('subnets that are chosen', () => {
  it('run out', () => {
    assert.throws(() => chooseSubnet(POOLS, '/anywhere'), /could not find an available/)
    assert.throws(() => chooseSubnet([known('128.0.0.0/1')], '/var/lib/coracle'), /could not find an available/)
  })

  it('are unique local ones where they are of version 6', () => {
    const { subnet, gateway, chosen } = chooseSubnet6()
    assert.match(subnet, /^fd[0-9a-f:]+::\/64$/)
    assert.ok(isWithin(known(subnet), known('fd00::/8')) && chosen)
    const address = parseAddress(gateway)
    assert.ok(address && contains(known(subnet), address))
    assert.notEqual(chooseSubnet6().subnet, subnet)
  })

  it('know what the host has itself, but for its way out and a link that does not count', () => {
    const blocks = hostBlocks()
    for (const [name, list = []] of Object.entries(networkInterfaces()))
      for (const { address } of list) {
        const value = parseAddress(address)
        if (value === undefined) continue
        assert.ok(
          blocks.some((block) => contains(block, value)),
          address,
        )
        assert.ok(hostBlocks(name).length < blocks.length)
      }
    assert.ok(blocks.every(({ prefix }) => prefix > 0))
  })

  it('are of our own making where they are said to be', () => {
    assert.throws(() => known('x'), /no block: x/)
  })
})
