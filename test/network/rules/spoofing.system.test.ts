import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import {
  advertisement,
  arp,
  discovery,
  ethernet,
  four,
  hear,
  type Station,
  sendFrames,
  six,
} from '../../support/frames.ts'
import { HOST, type Inhabitant, type Island, inhabit, openIsland } from '../../support/island.ts'
import { needsRoot } from '../../support/needs-root.ts'

const EVERYBODY = 'ff:ff:ff:ff:ff:ff'
const ALL_NODES = { mac: '33:33:00:00:00:01', ip: 'ff02::1' }

describe('a container that makes its own frames', function () {
  this.timeout(120_000)
  let island: Island
  let attacker: Inhabitant
  let victim: Inhabitant
  let third: Inhabitant
  let gateway: Station
  let gatewaySix: string

  before(function () {
    needsRoot(this)
    island = openIsland()
    island.output('network', 'create', '--ipv6', 'town')
    const live = (name: string) => inhabit(island, name, ['--network', 'town'])
    ;[attacker, victim, third] = [live('attacker'), live('victim'), live('third')]
    const [{ Id, IPAM }] = JSON.parse(island.output('network', 'inspect', 'town'))
    const [config4, config6] = IPAM.Config
    const mac = island.host('cat', `/sys/class/net/cb-${Id.slice(0, 8)}/address`).stdout.trim()
    gateway = { mac, ip: config4.Gateway }
    gatewaySix = config6.Gateway
  })
  after(() => island?.close())

  const says = (text: string) => ({ port: 9, text })
  const marker = () => ethernet(victim.mac, attacker.mac, four(attacker.ip, victim.ip, says('the truth')))
  const bridge = () => island.output('network', 'inspect', '--format', 'cb-{{slice .Id 0 8}}', 'town')

  /** What the victim hears of these, all of which say `a lie`. */
  async function heardLies(frames: readonly Buffer[]): Promise<number> {
    const hearing = await hear(victim.pid, 'the truth')
    sendFrames(attacker.pid, [...frames, marker()])
    return (await hearing.heard()).filter((frame) => frame.includes('a lie')).length
  }

  it('is heard when it tells the truth, by IPv4, by IPv6 and by ARP', async () => {
    const own = arp(attacker, victim, { operation: 2, text: 'a lie' })
    const frames = [
      ethernet(victim.mac, attacker.mac, four(attacker.ip, victim.ip, says('a lie'))),
      ethernet(victim.mac, attacker.mac, six(attacker.six, victim.six, says('a lie'))),
      ethernet(victim.mac, attacker.mac, own),
    ]
    assert.equal(await heardLies(frames), 3)
  })

  it('cannot send packets with the address of a neighbour, of the gateway, or of a stranger', async () => {
    for (const source of [third.ip, gateway.ip, '203.0.113.5', '127.0.0.1', '0.0.0.0'])
      assert.equal(
        await heardLies([ethernet(victim.mac, attacker.mac, four(source, victim.ip, says('a lie')))]),
        0,
        source,
      )
    for (const source of [third.six, gatewaySix, 'fe80::1', '2001:db8::9'])
      assert.equal(
        await heardLies([ethernet(victim.mac, attacker.mac, six(source, victim.six, says('a lie')))]),
        0,
        source,
      )
  })

  it('cannot send from the MAC of another one, whatever the address inside', async () => {
    const frames = [attacker.ip, third.ip].map((ip) =>
      ethernet(victim.mac, third.mac, four(ip, victim.ip, says('a lie'))),
    )
    assert.equal(await heardLies(frames), 0)
    const fdb = island.host('bridge', 'fdb', 'show', 'br', bridge()).stdout
    assert.equal(fdb.split('\n').filter((line) => line.startsWith(third.mac)).length <= 1, true, fdb)
  })

  it("cannot draw frames for a neighbour to itself by talking to the bridge in that one's name", async () => {
    // Reserved for the bridge itself: passed on to nobody, but their sender is learned.
    const frames = ['00', '03', '0e'].map((last) =>
      ethernet(`01:80:c2:00:00:${last}`, third.mac, [0x88cc, Buffer.from('a lie'.padEnd(46))]),
    )
    assert.equal(await heardLies(frames), 0)
    island.output('exec', 'victim', 'ping', '-c', '1', '-W', '2', third.ip)
    const portOf = (mac: string) =>
      island
        .host('bridge', 'fdb', 'show', 'br', bridge())
        .stdout.split('\n')
        .find((line) => line.startsWith(`${mac} `) && !line.includes('permanent'))
        ?.split(' ')[2]
    sendFrames(attacker.pid, frames)
    assert.equal(await heardLies([]), 0)
    assert.notEqual(portOf(third.mac), undefined)
    assert.notEqual(portOf(third.mac), portOf(attacker.mac))
  })

  it('cannot answer ARP for another address or with another MAC', async () => {
    const claims: readonly (readonly [Station, string])[] = [
      [{ mac: attacker.mac, ip: third.ip }, attacker.mac],
      [{ mac: attacker.mac, ip: gateway.ip }, attacker.mac],
      [{ mac: third.mac, ip: third.ip }, attacker.mac],
      [{ mac: third.mac, ip: attacker.ip }, attacker.mac],
      [{ mac: attacker.mac, ip: attacker.ip }, third.mac],
    ]
    const frames = claims.flatMap(([sender, from]) =>
      ([1, 2] as const).flatMap((operation) => [
        ethernet(victim.mac, from, arp(sender, victim, { operation, text: 'a lie' })),
        ethernet(EVERYBODY, from, arp(sender, { mac: EVERYBODY, ip: sender.ip }, { operation, text: 'a lie' })),
      ]),
    )
    assert.equal(await heardLies(frames), 0)
  })

  it('cannot advertise the address of another one by IPv6, nor itself as a router', async () => {
    const linkLocal = (mac: string) => {
      const [a = '', b, c, d, e, f] = mac.split(':')
      return `fe80::${(Number.parseInt(a, 16) ^ 2).toString(16)}${b}:${c}ff:fe${d}:${e}${f}`
    }
    const own = linkLocal(attacker.mac)
    const claim = (target: string) =>
      ethernet(
        victim.mac,
        attacker.mac,
        discovery(own, victim.six, { type: 136, body: advertisement(target, attacker.mac) }),
      )
    const isClaim = (target: string) => {
      const bytes = advertisement(target, attacker.mac)
      return (frame: Buffer) => frame.includes(bytes)
    }
    const router = Buffer.concat([Buffer.from([64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('a lie')])
    const redirect = Buffer.concat([Buffer.alloc(36), Buffer.from('a lie')])
    const hearing = await hear(victim.pid, 'the truth')
    sendFrames(attacker.pid, [
      ...[own, attacker.six, third.six, gatewaySix].map(claim),
      ethernet(ALL_NODES.mac, attacker.mac, discovery(own, ALL_NODES.ip, { type: 134, body: router })),
      ethernet(victim.mac, attacker.mac, discovery(own, victim.six, { type: 137, body: redirect })),
      marker(),
    ])
    const heard = await hearing.heard()
    for (const target of [own, attacker.six]) assert.equal(heard.filter(isClaim(target)).length, 1, target)
    for (const target of [third.six, gatewaySix]) assert.equal(heard.filter(isClaim(target)).length, 0, target)
    assert.equal(heard.filter((frame) => frame.includes('a lie')).length, 0)
  })

  it('cannot send what is neither IP nor ARP', async () => {
    const tagged = Buffer.concat([Buffer.from([0, 5, 0x08, 0]), four(third.ip, victim.ip, says('a lie'))[1]])
    const frames = [
      ethernet(victim.mac, attacker.mac, [0x8100, tagged]),
      ethernet(victim.mac, attacker.mac, [0x88b5, Buffer.from('a lie'.padEnd(46))]),
      ethernet(victim.mac, attacker.mac, [0x8035, Buffer.from('a lie'.padEnd(46))]),
    ]
    assert.equal(await heardLies(frames), 0)
  })

  it("does not get into the host by another's address, nor out of it", async () => {
    const anchor = island.start('host', 'sleep', '60')
    const hearing = await hear(anchor.pid ?? 0, 'the truth', bridge())
    sendFrames(attacker.pid, [
      ethernet(gateway.mac, attacker.mac, four(third.ip, gateway.ip, says('a lie'))),
      ethernet(gateway.mac, attacker.mac, four(third.ip, HOST.four, says('a lie'))),
      ethernet(gateway.mac, attacker.mac, four('203.0.113.5', HOST.four, says('a lie'))),
      ethernet(gateway.mac, attacker.mac, four(attacker.ip, gateway.ip, says('the truth'))),
    ])
    const heard = await hearing.heard()
    anchor.kill()
    assert.equal(heard.filter((frame) => frame.includes('a lie')).length, 0)
  })
})
