import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { before, describe, it } from 'mocha'
import { encodeHostStep } from '../../src/linux/encode-plan.ts'
import type { FilterElements, HostStep } from '../../src/linux/plan.ts'
import { WireWriter } from '../../src/linux/wire-writer.ts'
import { additions, portElements, removals } from '../../src/network/rules/elements.ts'
import { assertClean, type Native, needsSanitizers, sanitizedNative } from '../support/native.ts'
import { needsRoot } from '../support/needs-root.ts'
import { keptDirectory } from '../support/scratch.ts'

const ID = 'ab'.repeat(32)
const TABLE = `coracle-${ID.slice(0, 12)}`
const MAPS = `table inet ${TABLE} {
  map any_tcp { type inet_service : ipv4_addr . inet_service; }
  set held_any { type inet_proto . inet_service; }
  map at_udp { type ipv4_addr . inet_service : ipv4_addr . inet_service; }
}`

describe('steps of packet filter elements', function () {
  this.timeout(120_000)
  let native: Native
  let directory: string
  let reports: string

  before(async function () {
    needsRoot(this)
    needsSanitizers(this)
    directory = await keptDirectory('coracle-elements-')
    reports = await keptDirectory('coracle-asan-')
    native = sanitizedNative(reports)
  })

  const ports = (count: number, containerIp = '10.0.0.2') =>
    portElements(
      ID,
      Array.from({ length: count }, (_, index) => ({
        protocol: 'tcp' as const,
        hostIp: '0.0.0.0',
        hostPort: 1000 + index,
        containerIp,
        containerPort: 2000 + index,
      })),
    )

  /** Each plan by a process of its own, in a network namespace of theirs. @returns the rules afterwards */
  function carryOut(plans: readonly Buffer[], as = ''): { readonly rules: string; readonly said: string } {
    writeFileSync(join(directory, 'maps'), MAPS)
    for (const [index, plan] of plans.entries()) writeFileSync(join(directory, String(index)), plan)
    const script = `nft -f maps; for plan in "$@"; do ${as} "$NATIVE" wire < "$plan"; done; echo ----; nft list ruleset`
    const { stdout, stderr } = spawnSync('unshare', ['-n', 'sh', '-c', script, 'sh', ...plans.keys().map(String)], {
      cwd: directory,
      env: { ...process.env, ...native.env, NATIVE: native.argv[0] },
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    assertClean(reports)
    const [said = '', rules = ''] = stdout.split('----\n')
    return { said, rules }
  }

  const encoded = (steps: readonly HostStep[]): Buffer => {
    const writer = new WireWriter()
    for (const step of steps) encodeHostStep(writer, step)
    return writer.finish()
  }
  const count = (rules: string) => rules.match(/\d+ : [0-9.]+ \. \d+/g)?.length ?? 0

  it('add as many as there are, twice if they must, and remove them again', () => {
    const plan = [encoded(additions(ports(300))), encoded(additions(ports(300)))]
    const added = carryOut(plan)
    assert.equal(added.said, '')
    assert.equal(count(added.rules), 300)
    assert.match(added.rules, /1299 : 10\.0\.0\.2 \. 2299/)
    const removed = carryOut([...plan, encoded(removals(ports(300)))])
    assert.equal(removed.said, '')
    assert.equal(count(removed.rules), 0)
  })

  it('lead a key to where the last one wants it', () => {
    const { said, rules } = carryOut([encoded(additions(ports(5, '10.0.0.9'))), encoded(additions(ports(200)))])
    assert.equal(said, '')
    assert.doesNotMatch(rules, /10\.0\.0\.9/)
    assert.equal(count(rules), 200)
  })

  it('remove what is there, and say nothing of what is not, be it the whole table', () => {
    const none = ports(3).map((one): FilterElements => ({ ...one, table: 'coracle-none' }))
    const { said, rules } = carryOut([
      encoded(additions(ports(100))),
      encoded([...removals(ports(200)), ...removals(none)]),
    ])
    assert.equal(said, '')
    assert.equal(count(rules), 0)
  })

  it('say which set refuses them', () => {
    const wrong = ports(1).map((one): FilterElements => ({ ...one, set: 'nowhere' }))
    assert.match(carryOut([encoded(additions(wrong))]).said, /change packet filter set\tnowhere/)
  })

  it('say at once that they are not permitted, which the kernel says of the batch, not of a message in it', () => {
    const as = 'setpriv --bounding-set=-net_admin --inh-caps=-net_admin'
    const { said, rules } = carryOut([encoded(additions(ports(1)))], as)
    assert.match(said, /change packet filter set\tany_tcp\t1\tOperation not permitted/)
    assert.equal(count(rules), 0)
  })

  it('survive any damage on the way', () => {
    const whole = encoded([...additions(ports(140)), ...removals(ports(140))])
    const spoiled = fc.sample(
      fc
        .tuple(fc.integer({ min: 8, max: whole.length - 1 }), fc.nat(255), fc.nat(whole.length))
        .map(([at, byte, length]) => {
          const copy = Buffer.from(whole)
          copy[at] = byte
          return copy.subarray(0, length)
        }),
      30,
    )
    carryOut(spoiled)
  })
})
