import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { before, describe, it } from 'mocha'
import { writeNetworkNames, writeResolverConfig } from '../../../src/network/names/files.ts'
import { parseTried } from '../../../src/network/names/tried.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { question, readReply } from '../../network/names/packets.ts'
import { openRoom } from '../../network/names/room.ts'
import { startUpstream } from '../../network/names/upstream.ts'
import { describeNative, needsSanitizers } from '../../support/native.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 30_000)
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

describe('the parsers of the responder', () => {
  before(function () {
    needsSanitizers(this)
  })

  it('read nothing that is not there, and write whole answers, whatever they are given', async () => {
    const directory = await scratchDirectory('coracle-resolve-fuzz-')
    const native = join(packageRoot, 'src/linux/native')
    const parts = globSync('*.c', { cwd: native }).filter((name) => name !== 'main.c')
    const program = join(directory, 'fuzz')
    const sources = [...parts.map((name) => join(native, name)), join(import.meta.dirname, 'resolve-fuzz.c')]
    run('cc', [...FLAGS, `-I${native}`, ...sources, '-o', program])
    writeNetworkNames(directory, 'net1', [{ ipv4: '10.9.0.2', ipv6: 'fd00::2', names: ['web', 'web.front'] }])
    writeResolverConfig(directory, {
      networks: ['net1'],
      upstreams: [],
      internal: true,
      filter: { allow: [{ kind: 'name', pattern: '*.example' }], deny: [] },
    })
    const seed = String(Date.now() % 1_000_000)
    assert.equal(run(program, [directory, seed, String(ROUNDS)]), 'DONE\n', `seed ${seed}`)
    for (const line of readFileSync(join(directory, 'tried'), 'utf8').trimEnd().split('\n'))
      assert(parseTried(line) !== undefined, line)
  })
})

describeNative('a responder that is given anything', (native) => {
  it('answers what it knows afterwards as before, in the same process', async () => {
    const upstream = await startUpstream(() => ({ rcode: 3 }))
    const room = await openRoom({
      native: native(),
      config: { upstreams: [upstream.address] },
      prepare: (names) => writeNetworkNames(names, 'net1', [{ ipv4: '10.9.0.2', names: ['web'] }]),
    })
    const pid = room.responder()
    for (let i = 0; i < 10; i++) {
      const packets = fc.sample(anything, 50).map((bytes) => Buffer.from(bytes).toString('base64'))
      await room.inside({ do: 'udp', packets, waitMs: 30 })
      for (const packet of packets.slice(0, 5)) await room.inside({ do: 'send', data: packet })
    }
    const [reply = ''] = (
      await room.inside({
        do: 'udp',
        packets: [question('web').toString('base64')],
        waitMs: 8000,
      })
    )['packets'] as string[]
    assert.equal(readReply(Buffer.from(reply, 'base64')).answers[0]?.data, '10.9.0.2')
    assert.equal(room.responder(), pid)
  })
})

const changed = fc
  .tuple(
    fc.constantFrom('web', 'www.example', '2.0.9.10.in-addr.arpa'),
    fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
  )
  .map(([name, edits]) => {
    const packet = question(name)
    for (const [at, value] of edits) packet[at % packet.length] = value
    return packet
  })
const anything = fc.oneof({ weight: 3, arbitrary: changed }, fc.uint8Array({ maxLength: 1500 }))

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 })
  assert.equal(status, 0, stderr.slice(0, 3000))
  return stdout
}
