/** A hundred containers of one network: started at once, looked at, removed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { difference, hostNetwork } from '../support/host-network.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const MANY = 100
const names = Array.from({ length: MANY }, (_, index) => `c${index}`)

interface Endpoint {
  readonly Name: string
  readonly IPv4Address: string
  readonly MacAddress: string
}

let coracle: Coracle
let host: string

const output = (...args: string[]) => coracle.output(...args)
const endpoints = () => {
  const [network] = JSON.parse(output('network', 'inspect', 'crowd')) as { Containers: Record<string, Endpoint> }[]
  return Object.values(network?.Containers ?? {})
}

describe('a hundred containers of one network', function () {
  this.timeout(300_000)

  before(function () {
    needsRoot(this)
    host = hostNetwork()
    coracle = openCoracle()
    output('network', 'create', '--subnet', '10.214.0.0/24', 'crowd')
  })
  after(() => coracle?.close())

  it('start at once, every one of them', async () => {
    const failures = await Promise.all(names.map(start))
    assert.deepEqual(failures.filter(Boolean), [])
    assert.equal(output('ps', '-q').split('\n').length, MANY)
  })

  it('have an address and a MAC each that no other has', () => {
    const found = endpoints()
    assert.deepEqual(found.map(({ Name }) => Name).sort(), [...names].sort())
    assert.equal(new Set(found.map(({ IPv4Address }) => IPv4Address)).size, MANY)
    assert.equal(new Set(found.map(({ MacAddress }) => MacAddress)).size, MANY)
  })

  it('have in the kernel what the records say', () => {
    const id = output('network', 'inspect', '--format', '{{.Id}}', 'crowd')
    assert.equal(readdirSync(`/sys/class/net/cb-${id.slice(0, 8)}/brif`).length, MANY)
    for (const { Name, IPv4Address } of endpoints().filter((_, index) => index % 10 === 0))
      assert.match(output('exec', Name, 'ip', '-o', 'address'), new RegExp(`inet ${IPv4Address} `))
  })

  it('find each other by name', () => {
    for (const { Name, IPv4Address } of endpoints().filter((_, index) => index % 25 === 0)) {
      const [address = ''] = IPv4Address.split('/')
      assert.match(
        output('exec', 'c0', 'nslookup', Name),
        new RegExp(`Address:? .*${address.replaceAll('.', '\\.')}$`, 'm'),
      )
    }
  })

  it('give everything back when half of them is stopped and all are removed', async () => {
    output('kill', ...names.slice(0, MANY / 2))
    await until('half of them has ended', () => output('ps', '-q').split('\n').length === MANY / 2)
    assert.equal(endpoints().length, MANY / 2)
    output('rm', '-f', ...names)
    assert.deepEqual(endpoints(), [])
    output('network', 'rm', 'crowd')
    assert.deepEqual(coracle.leftovers(), [])
    await until(
      'the host is as it was',
      () => hostNetwork() === host,
      () => difference(host, hostNetwork()),
    )
    assert.equal(hostNetwork(), host)
  })
})

/** @returns what it had to say when it failed */
async function start(name: string): Promise<string> {
  const child = coracle.start(['run', '-d', '--name', name, '--network', 'crowd', IMAGE, 'sleep', '1000'])
  child.stdout?.resume()
  const [said, [status]] = await Promise.all([child.stderr === null ? '' : text(child.stderr), once(child, 'close')])
  return status === 0 ? '' : `${name}: ${status} ${said}`
}
