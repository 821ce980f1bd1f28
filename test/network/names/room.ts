/** A container with a responder, and somebody in its network who asks. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach } from 'mocha'
import type { HostStep } from '../../../src/linux/plan.ts'
import type { Supervisor } from '../../../src/linux/supervisor.ts'
import { writeResolverConfig } from '../../../src/network/names/files.ts'
import { chooseResolverPort, resolverRules } from '../../../src/network/names/rules.ts'
import type { NetFilter, ResolverConfig } from '../../../src/network/names/types.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { makeScratch, type Native, optionsFor, planFor, shell, startContainer } from '../../support/native.ts'
import type { Errand } from './inside.ts'
import { question, type Reply, readReply } from './packets.ts'

export const NFT = '/usr/sbin/nft'

export interface Room {
  readonly supervisor: Supervisor
  /** The responder's own directory, and that of the networks. */
  readonly directory: string
  readonly names: string
  readonly port: number
  /** Its configuration from the next question on. */
  configure(config: Partial<ResolverConfig>): void
  /** What becomes of an errand inside; `error` where it failed. */
  inside(errand: Errand): Promise<Record<string, unknown>>
  /** Found addresses or names, or the error's code. */
  ask(name: string, type?: string): Promise<unknown>
  /** One raw question by UDP. */
  askRaw(name: string, type?: number): Promise<Reply>
  readonly responder: () => number
}

export interface RoomOptions {
  readonly native: Native
  readonly config?: Partial<ResolverConfig>
  readonly filter?: NetFilter
  /** Before the names, in the same network: links and addresses for those who want to get out. */
  readonly prepare?: (names: string) => void
  readonly after?: (port: number) => readonly HostStep[]
}

const insiders: (() => void)[] = []

afterEach(() => {
  for (const end of insiders.splice(0)) end()
})

export async function openRoom({ native, config = {}, filter, prepare, after }: RoomOptions): Promise<Room> {
  const scratch = await makeScratch()
  const directory = join(scratch.directory, 'resolver')
  const names = join(scratch.directory, 'networks')
  mkdirSync(names, { mode: 0o711 })
  const port = chooseResolverPort()
  const configure = (more: Partial<ResolverConfig>) =>
    writeResolverConfig(directory, {
      networks: ['net1'],
      upstreams: [],
      internal: false,
      ...(filter === undefined ? {} : { filter }),
      ...more,
    })
  await configure(config)
  await prepare?.(names)
  const steps: HostStep[] = [
    { do: 'net-rules', nft: NFT, text: resolverRules(port, filter) },
    { do: 'resolver', directory, port, names, filter: filter !== undefined },
    ...(after?.(port) ?? []),
  ]
  const plan = planFor(scratch, { after: steps, mounts: [{ do: 'loopback-up' }], exec: shell('sleep 1000') })
  const supervisor = await startContainer(optionsFor(scratch, plan, { native }))
  const inside = enter(supervisor.container.pid)
  const ask = async (name: string, type = 'A') => {
    const { found, error } = await inside({ do: 'resolve', name, type })
    return found ?? error
  }
  const askRaw = async (name: string, type?: number) => {
    const { packets } = await inside({ do: 'udp', packets: [question(name, type).toString('base64')], waitMs: 8000 })
    const [reply = ''] = packets as string[]
    assert(reply !== '', `nobody answers for ${name}`)
    return readReply(Buffer.from(reply, 'base64'))
  }
  const responder = () => responderOf(supervisor.supervisor.pid)
  return { supervisor, directory, names, port, configure, inside, ask, askRaw, responder }
}

/** Somebody in the network of a process; gone with the test. */
export function enter(pid: number): Room['inside'] {
  const program = join(packageRoot, 'test/network/names/inside.ts')
  const child = spawn('nsenter', ['-t', String(pid), '-n', process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  insiders.push(() => child.kill('SIGKILL'))
  const waiting: ((outcome: Record<string, unknown>) => void)[] = []
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.(JSON.parse(line) as Record<string, unknown>),
  )
  return (errand) =>
    new Promise((resolve) => {
      waiting.push(resolve)
      child.stdin.write(`${JSON.stringify(errand)}\n`)
    })
}

/** 0 when there is none. */
export function responderOf(supervisor: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      if (parent === String(supervisor) && words[1] === 'resolve') return Number(name)
    } catch {
      // it has just ended
    }
  }
  return 0
}
