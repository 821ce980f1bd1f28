import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'mocha'
import { writeNetworkNames } from '../../../src/network/names/files.ts'
import { isAlive } from '../../../src/util/process-identity.ts'
import { describeNative, eventually, makeScratch, optionsFor, planFor, runPlan, shell } from '../../support/native.ts'
import { question } from './packets.ts'
import { NFT, openRoom } from './room.ts'

const fieldsOf = (pid: number) =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line) => line.split(/:\s*/)),
  ) as Record<string, string>

const withWeb = (names: string) => writeNetworkNames(names, 'net1', [{ ipv4: '10.9.0.2', names: ['web'] }])

describeNative('the process of a responder', (native) => {
  const isWatched = () => native().env !== undefined

  it('has no rights, no other files and no way to get more', async () => {
    const room = await openRoom({ native: native() })
    const pid = room.responder()
    const status = fieldsOf(pid)
    assert.deepEqual(
      [status['Uid'], status['Gid'], status['Groups']?.trim()],
      [...Array(2).fill(Array(4).fill(65534).join('\t')), ''],
    )
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.match(status[set] ?? '', /^0+$/, set)
    assert.deepEqual([status['NoNewPrivs'], status['Seccomp']], ['1', isWatched() ? '0' : '2'])
    assert.equal(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync('/proc/self/ns/net'))
    assert.notEqual(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync(`/proc/${room.supervisor.container.pid}/ns/net`))
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    assert.deepEqual(
      open.map((path) => path.replace(/:\[\d+\]$/, '')),
      [...Array(3).fill('/dev/null'), ...Array(3).fill('socket'), room.directory, room.names],
    )
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    assert.equal(stat[3], String(pid), 'a session of its own')
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max open files\s+128 +128 /)
    assert.equal(
      readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', ''),
      Object.entries(native().env ?? {})
        .map((pair) => pair.join('='))
        .join(''),
    )
  })

  it('takes 300 KB of memory at most, whatever it is asked', async function () {
    if (isWatched()) this.skip() // sanitizers take what they need
    const room = await openRoom({
      native: native(),
      config: { upstreams: ['127.0.0.1:1'] },
      prepare: (names) =>
        writeNetworkNames(
          names,
          'net1',
          Array.from({ length: 1000 }, (_, i) => ({ ipv4: `10.9.${i >> 8}.${i & 255}`, names: [`c${i}`, 'all'] })),
        ),
    })
    for (const name of ['c0', 'c999', 'all', 'nobody']) await room.askRaw(name)
    const packets = Array.from({ length: 100 }, (_, i) => question(`n${i}.example`).toString('base64'))
    await room.inside({ do: 'udp', packets, waitMs: 8000 })
    const rollup = readFileSync(`/proc/${room.responder()}/smaps_rollup`, 'utf8')
    const sizeOf = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1])
    assert(sizeOf('Private_Dirty') > 0 && sizeOf('Private_Dirty') <= 300, rollup)
  })

  it('ends with the container, and with a supervisor that is killed', async () => {
    const first = await openRoom({ native: native() })
    const second = await openRoom({ native: native() })
    const [one, other] = [first.responder(), second.responder()]
    assert(one > 0 && other > 0)
    await first.supervisor.signal(9)
    await first.supervisor.wait()
    assert(!isRunning(one), 'it is gone before the end is told')
    process.kill(second.supervisor.supervisor.pid, 'SIGKILL')
    await eventually('the responder ends', () => !isRunning(other) && !isAlive(second.supervisor.container))
  })

  it('is started again when it dies, and is nobody’s zombie', async () => {
    const room = await openRoom({ native: native(), prepare: withWeb })
    for (let i = 0; i < 2; i++) {
      const before = room.responder()
      process.kill(before, 'SIGKILL')
      await eventually('another one', () => room.responder() !== before && room.responder() > 0)
      assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
      assert(!isRunning(before))
    }
  })

  it('survives floods of questions and connections, and goes on answering', async () => {
    const room = await openRoom({ native: native(), config: { upstreams: ['127.0.0.1:1'] }, prepare: withWeb })
    const pid = room.responder()
    await room.inside({ do: 'hold', connections: 30 })
    const packets = Array.from({ length: 300 }, (_, i) => question(`n${i}.example`, 1, i).toString('base64'))
    await room.inside({ do: 'udp', packets, waitMs: 500 })
    assert.deepEqual(await room.ask('web'), ['10.9.0.2'])
    assert.equal(room.responder(), pid)
  })
})

describeNative('a plan with a responder', (native) => {
  async function fails(steps: (room: { directory: string; names: string }) => Parameters<typeof planFor>[1]['after']) {
    const scratch = await makeScratch()
    const directory = join(scratch.directory, 'resolver')
    const names = join(scratch.directory, 'networks')
    mkdirSync(names)
    const plan = planFor(scratch, { after: steps({ directory, names }) ?? [], exec: shell('true') })
    return (pattern: RegExp) => assert.rejects(runPlan(optionsFor(scratch, plan, { native: native() })), pattern)
  }

  it('fails with the first line of what nft says', async () => {
    const rejected = await fails(() => [
      { do: 'net-rules', nft: NFT, text: 'table inet coracle {\nchain c {\nnonsense\n}\n}\n' },
    ])
    await rejected(/step 1, .*nft: .*Error: syntax error/)
    const missing = await fails(() => [{ do: 'net-rules', nft: '/no/nft', text: '' }])
    await missing(/step 1, .*No such file/)
  })

  it('fails where there is no configuration, or no directory', async () => {
    const step = { do: 'resolver', port: 61_000, filter: false } as const
    const missing = await fails(({ directory, names }) => [{ ...step, directory, names }])
    await missing(/step 1, open .*resolver: No such file/)
    const empty = await fails(({ names }) => [{ ...step, directory: names, names }])
    await empty(/step 1, start the responder of .*config/)
  })

  it('leaves rules in the container’s network, none on the host', async () => {
    const room = await openRoom({ native: native() })
    const { output } = await room.inside({ do: 'run', argv: [NFT, 'list', 'ruleset'] })
    assert.match(output as string, new RegExp(`dnat ip to 127.0.0.11:${room.port}`))
    assert(!spawnSync(NFT, ['list', 'ruleset'], { encoding: 'utf8' }).stdout.includes(`127.0.0.11:${room.port}`))
  })
})

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
