/** A container between which and the outside stands nothing but its own rules. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach } from 'mocha'
import { parseNetRules } from '../../../src/network/names/parse.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { NFT, openRoom, type Room, type RoomOptions } from './room.ts'

export const OUTSIDE = '192.0.2.1'
export const OTHER = '192.0.2.2'
export const OUTSIDE6 = '2001:db8::1'
export const OTHER6 = '2001:db8::2'

const running: (() => void)[] = []

afterEach(() => {
  for (const end of running.splice(0)) end()
})

export interface Rules {
  readonly allow: string
  readonly deny?: string
}

/** With a way to `OUTSIDE` and `OTHER`, where ports 53, 80 and 443 echo, as far as the rules let it. */
export async function openOutsideRoom({ allow, deny }: Rules, options: Omit<RoomOptions, 'filter'>): Promise<Room> {
  const filter = { allow: parseNetRules(allow), deny: deny === undefined ? [] : parseNetRules(deny) }
  const room = await openRoom({ ...options, filter })
  const outside = spawn('unshare', ['-n', process.execPath, join(packageRoot, 'test/network/names/outside.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(() => outside.kill('SIGKILL'))
  await once(outside.stdout, 'data')
  const { pid = 0 } = outside
  const inside = room.supervisor.container.pid
  ip(inside, `link add eth0 type veth peer name eth0 netns ${pid}`)
  for (const address of [`${OUTSIDE}/24`, `${OTHER}/24`]) ip(pid, `address add ${address} dev eth0`)
  ip(pid, `address add ${OUTSIDE6}/64 dev eth0 nodad`)
  ip(pid, `address add ${OTHER6}/64 dev eth0 nodad preferred_lft 0`) // so that echoes come from the first one
  ip(pid, 'link set eth0 up')
  ip(inside, 'address add 192.0.2.100/24 dev eth0')
  ip(inside, 'address add 2001:db8::100/64 dev eth0 nodad')
  ip(inside, 'link set eth0 up')
  return room
}

function ip(pid: number, words: string): void {
  const { status, stderr } = spawnSync('nsenter', ['-t', String(pid), '-n', 'ip', ...words.split(' ')], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, `ip ${words}: ${stderr}`)
}

/** `reached`, or the error's code. */
export async function tryConnect(room: Room, host: string, port: number): Promise<unknown> {
  const { connected, error } = await room.inside({ do: 'connect', host, port })
  return connected === true ? 'reached' : error
}

/** Whether a packet comes back; the error's code where it may not even leave. */
export async function tryDatagram(room: Room, host: string, port: number): Promise<unknown> {
  const packet = Buffer.from('anybody there?').toString('base64')
  const { packets, error } = await room.inside({ do: 'udp', packets: [packet], waitMs: 8000, host, port })
  return error ?? ((packets as string[]).length === 1 ? 'reached' : 'lost')
}

/** Runs nft in the container's network. */
export async function nft(room: Room, ...words: readonly string[]): Promise<string> {
  const { output, complaint, status } = await room.inside({ do: 'run', argv: [NFT, ...words] })
  assert.equal(status, 0, complaint as string)
  return output as string
}
