import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { FilterElements } from '../../../src/linux/plan.ts'
import { endpointElements, portElements } from '../../../src/network/rules/elements.ts'

const ID = 'ab'.repeat(32)

function shown(sets: readonly FilterElements[]): readonly string[] {
  return sets.flatMap(({ family, set, elements }) =>
    elements.map(({ key, value }) => {
      const to = value === undefined ? '' : ` ${Buffer.from(value).toString('hex')}`
      return `${family} ${set} ${Buffer.from(key).toString('hex')}${to}`
    }),
  )
}

describe('endpointElements', () => {
  const NAME = `${Buffer.from('cv-0123456789').toString('hex')}000000`
  const MAC = '0242ac1200020000'

  it('allow the addresses of the endpoint, and those that IPv6 makes of its MAC', () => {
    const endpoint = { link: 'cv-0123456789', mac: '02:42:ac:12:00:02', ipv4: '172.18.0.2', ipv6: 'fd00::2' }
    const linkLocal = 'fe800000000000000042acfffe120002'
    assert.deepEqual(shown(endpointElements(ID, endpoint)), [
      `bridge four ${NAME}${MAC}ac120002`,
      `bridge six ${NAME}${MAC}fd000000000000000000000000000002`,
      `bridge six ${NAME}${MAC}${linkLocal}`,
      `bridge six ${NAME}${MAC}${'0'.repeat(32)}`,
      `bridge neighbours ${NAME}${MAC}fd000000000000000000000000000002`,
      `bridge neighbours ${NAME}${MAC}${linkLocal}`,
    ])
    assert.equal(endpointElements(ID, { ...endpoint, ipv6: undefined }).length, 1)
  })
})

describe('portElements', () => {
  it('lead from everywhere or from one address, by the version and protocol of each', () => {
    const port = { hostPort: 8080, containerIp: '10.0.0.2', containerPort: 80 }
    assert.deepEqual(
      shown(
        portElements(ID, [
          { ...port, protocol: 'tcp', hostIp: '0.0.0.0' },
          { ...port, protocol: 'udp', hostIp: '127.0.0.1' },
          { ...port, protocol: 'sctp', hostIp: '::', containerIp: 'fd00::2' },
          { ...port, protocol: 'tcp', hostIp: 'fd00::1', containerIp: 'fd00::2' },
        ]),
      ),
      [
        'inet any_tcp 1f90 0a00000200500000',
        'inet at_udp 7f0000011f900000 0a00000200500000',
        `inet any6_sctp 1f90 ${'fd'.padEnd(31, '0')}200500000`,
        `inet at6_tcp ${'fd'.padEnd(31, '0')}11f900000 ${'fd'.padEnd(31, '0')}200500000`,
        'inet held_any 060000001f900000',
        'inet held_at 110000007f0000011f900000',
        'inet held_any6 840000001f900000',
        `inet held_at6 06000000${'fd'.padEnd(31, '0')}11f900000`,
      ],
    )
  })

  it('have keys and values of the same size for any port and address', () => {
    const port = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), port, port, (hostIp, containerIp, hostPort, containerPort) => {
        fc.pre(hostIp !== '0.0.0.0')
        const [set] = portElements(ID, [{ protocol: 'tcp', hostIp, hostPort, containerIp, containerPort }])
        assert.deepEqual(
          set?.elements.map(({ key, value }) => [key.length, value?.length]),
          [[8, 8]],
        )
      }),
    )
  })
})
