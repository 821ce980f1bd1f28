import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { hasGateway, parseDriver, sublinkStep } from '../../src/network/drivers.ts'
import { requireDriver } from '../../src/network/foreign.ts'
import { isOn, mtuOf, parseOptions } from '../../src/network/options.ts'
import type { EndpointRecord, NetworkRecord } from '../../src/network/records.ts'

const ICC = 'com.docker.network.bridge.enable_icc'
const MTU = 'com.docker.network.driver.mtu'

describe('options of networks', () => {
  it('are keys with values, of which the last one of a kind holds', () => {
    assert.deepEqual(parseOptions(['a=1', 'b', 'c=d=e', 'a=2', 'empty='], 'opt'), {
      a: '2',
      b: '',
      c: 'd=e',
      empty: '',
    })
    for (const flag of ['opt', 'label'] as const)
      for (const entry of ['', '=value']) assert.throws(() => parseOptions([entry], flag), /invalid (opt|label) format/)
  })

  it('that no kernel or host would take are refused before anything is made', () => {
    const address = 'com.docker.network.bridge.host_binding_ipv4'
    for (const text of ['68', '1500', '65535'])
      assert.deepEqual(parseOptions([`${MTU}=${text}`], 'opt'), { [MTU]: text })
    for (const text of ['67', '0068', '65536', '99999', '1e3'])
      assert.throws(() => parseOptions([`${MTU}=${text}`], 'opt'), /invalid value for network option/)
    for (const text of ['1.2', '999.1.1.1', '::1', '...'])
      assert.throws(() => parseOptions([`${address}=${text}`], 'opt'), /invalid value for network option/)
  })

  it('are kept whatever they are called', () => {
    const key = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('constructor', '__proto__', 'toString', 'valueOf'),
    )
    fc.assert(
      fc.property(
        key.filter((text) => !text.includes('=')),
        fc.string(),
        fc.constantFrom('opt', 'label'),
        (name, value, flag) => {
          const options = parseOptions([`${name}=${value}`], flag)
          assert.deepEqual(Object.entries(JSON.parse(JSON.stringify(options))), [[name, value]])
        },
      ),
    )
  })

  it('are checked where they mean something, but for labels', () => {
    const wrong = [
      `${ICC}=yes`,
      `${ICC}=`,
      `${MTU}=9`,
      `${MTU}=1e3`,
      `${MTU}=123456`,
      'com.docker.network.bridge.host_binding_ipv4=::1',
    ]
    for (const entry of wrong) {
      assert.throws(() => parseOptions([entry], 'opt'), /invalid value for network option/)
      assert.doesNotThrow(() => parseOptions([entry], 'label'))
    }
    for (const value of ['true', 'false', '0', '1']) assert.doesNotThrow(() => parseOptions([`${ICC}=${value}`], 'opt'))
  })

  it('are on unless they say otherwise', () => {
    const on = (value?: string) => isOn(value === undefined ? {} : { [ICC]: value }, 'enable_icc')
    assert.deepEqual([on(), on('true'), on('1'), on('false'), on('0')], [true, true, true, false, false])
    assert.ok(isOn({ [ICC]: 'false' }, 'enable_ip_masquerade'))
  })

  it('set the size of packets where it is not the usual one', () => {
    assert.deepEqual([mtuOf({}), mtuOf({ [MTU]: '1500' }), mtuOf({ [MTU]: '9000' })], [undefined, undefined, 9000])
  })
})

describe('drivers of networks', () => {
  it('are a bridge, or below a link of the host', () => {
    assert.equal(parseDriver('bridge', { parent: 'a/b' }), 'bridge')
    assert.equal(parseDriver('macvlan', { parent: 'eth0.50' }), 'macvlan')
    for (const mode of ['bridge', 'private', 'vepa', 'passthru'])
      assert.equal(parseDriver('macvlan', { parent: 'eth0', macvlan_mode: mode }), 'macvlan')
    for (const mode of ['l2', 'l3', 'l3s'])
      assert.equal(parseDriver('ipvlan', { parent: 'eth0', ipvlan_mode: mode }), 'ipvlan')
  })

  it('make a link below the parent that is there', () => {
    const on = (driver: 'macvlan' | 'ipvlan', options: Record<string, string>, mac = '') => {
      const network = { name: 'lan', driver, options } as NetworkRecord
      return { network, endpoint: { interface: 'eth3', mac } as EndpointRecord }
    }
    const lo = { parent: 'lo', [MTU]: '9000' }
    const made = { do: 'sublink', parent: 'lo', container: 'eth3', mtu: 9000 }
    assert.deepEqual(sublinkStep(on('macvlan', lo, '02::1')), {
      ...made,
      kind: 'macvlan',
      mode: 'bridge',
      mac: '02::1',
    })
    assert.deepEqual(sublinkStep(on('ipvlan', lo)), { ...made, kind: 'ipvlan', mode: 'l2' })
    assert.throws(
      () => sublinkStep(on('ipvlan', { parent: 'l' })),
      /lan is below the link l, which is not on this host/,
    )
    const gateways = [on('macvlan', lo), on('ipvlan', lo), on('ipvlan', { ...lo, ipvlan_mode: 'l3' })]
    assert.deepEqual(
      gateways.map(({ network }) => hasGateway(network)),
      [true, true, false],
    )
  })

  it('are refused where nobody knows them, and without a link that could be there', async () => {
    const paths = { root: '/nowhere', run: '/nowhere' }
    for (const driver of ['', 'overlay', 'host', 'toString'])
      await assert.rejects(requireDriver({ paths }, driver), /could not find plugin/)
    for (const parent of ['', 'a/b', 'a b', '.', '..', 'x'.repeat(16), 'a:b', 'a\0'])
      assert.throws(() => parseDriver('macvlan', { parent }), /invalid parent/)
    assert.throws(() => parseDriver('ipvlan', {}), /ipvlan needs a link of the host/)
    for (const mode of ['', 'l2', 'source', 'length'])
      assert.throws(() => parseDriver('macvlan', { parent: 'eth0', macvlan_mode: mode }), /invalid macvlan mode/)
  })
})
