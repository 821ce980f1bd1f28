import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { formatNetworkRate, parseNetworkRate, rateSteps } from '../../src/network/rate.ts'

const both = (bits: number) => ({ EgressBits: bits, IngressBits: bits })

describe('rates of networks', () => {
  it('are read in the units of tc', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['10mbit', 10_000_000],
      ['10Mbit', 10_000_000],
      ['1.5gbit', 1_500_000_000],
      ['500kbps', 4_000_000],
      ['64kibit', 65_536],
      ['2mibps', 16 * 2 ** 20],
      ['10000', 10_000],
      ['2000bps', 16_000],
      ['1tbit', 1e12],
    ]
    for (const [text, bits] of cases) assert.deepEqual(parseNetworkRate(text), both(bits), text)
  })

  it('may differ by direction, where the one not named has no limit', () => {
    assert.deepEqual(parseNetworkRate('egress=10mbit,ingress=5mbit'), { EgressBits: 1e7, IngressBits: 5e6 })
    assert.deepEqual(parseNetworkRate(' Ingress=5mbit'), { EgressBits: 0, IngressBits: 5e6 })
    assert.deepEqual(parseNetworkRate('egress=1mbit,ingress=none'), { EgressBits: 1e6, IngressBits: 0 })
  })

  it('are none for 0 and none', () => {
    for (const text of ['0', 'none', 'NONE', '0mbit', 'egress=0', 'egress=none,ingress=0'])
      assert.equal(parseNetworkRate(text), undefined, text)
  })

  it('are refused where they mean nothing, or nothing would get through', () => {
    const wrong = [
      '',
      'fast',
      '-1mbit',
      '10mbits',
      '10 mbit',
      '1e9',
      'egress=',
      'egress=1mbit,egress=2mbit',
      'up=1mbit',
    ]
    for (const text of [...wrong, 'egress=1mbit=2', 'egress=1mbit,', '10mbit,ingress=1mbit', '1'.repeat(20)])
      assert.throws(() => parseNetworkRate(text), /invalid network rate/, text)
    for (const text of ['7kbit', '1bit', '1.1tbit', 'ingress=999bps']) assert.throws(() => parseNetworkRate(text))
  })

  it('never surprise, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^(egress=)?[0-9.]{1,20}[kmgti]{0,2}(bit|bps)?$/)),
        (text) => {
          try {
            const rate = parseNetworkRate(text)
            for (const bits of rate === undefined ? [] : [rate.EgressBits, rate.IngressBits])
              assert.ok(bits === 0 || (Number.isSafeInteger(bits) && bits >= 8_000 && bits <= 1e12))
          } catch (error) {
            assert.match((error as Error).message, /^invalid network rate: /)
          }
        },
      ),
    )
  })

  it('are written as they are read', () => {
    const bits = fc.oneof(fc.constant(0), fc.integer({ min: 8_000, max: 1e12 }), fc.constantFrom(1e6, 25e8, 1e12))
    fc.assert(
      fc.property(bits, bits, (EgressBits, IngressBits) => {
        const rate = { EgressBits, IngressBits }
        const none = EgressBits === 0 && IngressBits === 0
        assert.deepEqual(parseNetworkRate(formatNetworkRate(rate)), none ? undefined : rate)
      }),
    )
    assert.equal(formatNetworkRate(both(1e7)), '10mbit')
    assert.equal(formatNetworkRate({ EgressBits: 1500, IngressBits: 0 }), 'egress=1500bit,ingress=none')
  })

  it('are a step for each link, which takes limits away too', () => {
    const on = (driver: 'bridge' | 'macvlan') => ({
      network: { name: 'web', driver },
      endpoint: { id: '0123456789abcdef' },
    })
    const step = { do: 'rate', link: 'cv-0123456789', shaper: 'ci-0123456789' }
    assert.deepEqual(rateSteps([on('bridge')], both(8000)), [{ ...step, egressBits: 8000, ingressBits: 8000 }])
    assert.deepEqual(rateSteps([on('bridge'), on('macvlan')], undefined), [{ ...step, egressBits: 0, ingressBits: 0 }])
    assert.deepEqual(rateSteps([], both(8000)), [])
    assert.throws(
      () => rateSteps([on('bridge'), on('macvlan')], both(8000)),
      /on web cannot be limited: it is a macvlan/,
    )
  })
})
