/** Frames made by hand, and sent and heard by programs in the network namespace of a process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROGRAM = join(import.meta.dirname, 'frames.py')

export interface Station {
  readonly mac: string
  readonly ip: string
}

const macBytes = (mac: string) => Buffer.from(mac.replaceAll(':', ''), 'hex')

function ipBytes(ip: string): Buffer {
  if (!ip.includes(':')) return Buffer.from(ip.split('.').map(Number))
  const [left = '', right = ''] = ip.split('::')
  const words = (half: string) => half.split(':').filter(Boolean)
  const missing = 8 - words(left).length - words(right).length
  const all = [...words(left), ...Array<string>(missing).fill('0'), ...words(right)]
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex')
}

export function ethernet(to: string, from: string, [type, payload]: readonly [number, Buffer]): Buffer {
  return Buffer.concat([macBytes(to), macBytes(from), Buffer.from([type >> 8, type & 0xff]), payload])
}

/** Of the Internet, as RFC 1071 has it. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function udp(port: number, text: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(40_000, 0)
  head.writeUInt16BE(port, 2)
  head.writeUInt16BE(8 + text.length, 4)
  return Buffer.concat([head, Buffer.from(text)])
}

/** A datagram that carries `text`. */
export function four(from: string, to: string, { port, text }: { readonly port: number; readonly text: string }) {
  const payload = udp(port, text)
  const head = Buffer.alloc(20)
  head[0] = 0x45
  head.writeUInt16BE(20 + payload.length, 2)
  head[8] = 64
  head[9] = 17
  Buffer.concat([ipBytes(from), ipBytes(to)]).copy(head, 12)
  head.writeUInt16BE(checksum(head), 10)
  return [0x0800, Buffer.concat([head, payload])] as const
}

function sixHead(from: string, to: string, { next, length, hops }: Record<'next' | 'length' | 'hops', number>): Buffer {
  return Buffer.concat([
    Buffer.from([0x60, 0, 0, 0, length >> 8, length & 0xff, next, hops]),
    ipBytes(from),
    ipBytes(to),
  ])
}

function sixSum(
  from: string,
  to: string,
  { next, payload }: { readonly next: number; readonly payload: Buffer },
): number {
  const length = Buffer.from([0, 0, payload.length >> 8, payload.length & 0xff, 0, 0, 0, next])
  const even = payload.length % 2 === 0 ? payload : Buffer.concat([payload, Buffer.alloc(1)])
  return checksum(Buffer.concat([ipBytes(from), ipBytes(to), length, even]))
}

export function six(from: string, to: string, { port, text }: { readonly port: number; readonly text: string }) {
  const payload = udp(port, text)
  payload.writeUInt16BE(sixSum(from, to, { next: 17, payload }), 6)
  return [0x86dd, Buffer.concat([sixHead(from, to, { next: 17, length: payload.length, hops: 64 }), payload])] as const
}

/** ICMPv6 of neighbour discovery: `body` is what follows the checksum. */
export function discovery(from: string, to: string, { type, body }: { readonly type: number; readonly body: Buffer }) {
  const payload = Buffer.concat([Buffer.from([type, 0, 0, 0]), body])
  payload.writeUInt16BE(sixSum(from, to, { next: 58, payload }), 2)
  return [0x86dd, Buffer.concat([sixHead(from, to, { next: 58, length: payload.length, hops: 255 }), payload])] as const
}

/** "I have `target`, at `mac`": an answer nobody asked for (RFC 4861, section 4.4). */
export function advertisement(target: string, mac: string): Buffer {
  return Buffer.concat([Buffer.from([0x20, 0, 0, 0]), ipBytes(target), Buffer.from([2, 1]), macBytes(mac)])
}

/** `operation`: 1 asks, 2 answers. The text behind the packet is its padding. */
export function arp(
  sender: Station,
  target: Station,
  { operation, text }: { readonly operation: 1 | 2; readonly text: string },
) {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation])
  const parties = [sender, target].flatMap(({ mac, ip }) => [macBytes(mac), ipBytes(ip)])
  return [0x0806, Buffer.concat([head, ...parties, Buffer.from(text.padEnd(18))])] as const
}

const inside = (pid: number) => ['-t', String(pid), '-n', 'python3', PROGRAM]

/** Through the container's own end of its link. @throws a frame could not be sent */
export function sendFrames(pid: number, frames: readonly Buffer[], link = 'eth0'): void {
  const input = frames.map((frame) => `${frame.toString('hex')}\n`).join('')
  const { status, stderr } = spawnSync('nsenter', [...inside(pid), 'send', link], {
    input,
    encoding: 'utf8',
    timeout: 20_000,
  })
  if (status !== 0) throw new Error(`frames.py send: ${stderr}`)
}

export interface Hearing {
  /** All that arrived until the frame with the marker. @throws it never came */
  heard(): Promise<readonly Buffer[]>
  stop(): void
}

/** Listens once this resolves. */
export async function hear(pid: number, marker: string, link = 'eth0'): Promise<Hearing> {
  const child: ChildProcess = spawn('timeout', ['20', 'nsenter', ...inside(pid), 'hear', link, marker], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const frames: Buffer[] = []
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<number | null>()
  if (child.stdout === null) throw new Error('no pipe')
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'ready') ready.resolve()
    else frames.push(Buffer.from(line, 'hex'))
  })
  child.once('close', (status) => {
    ready.reject(new Error('frames.py hear ended'))
    ended.resolve(status)
  })
  await ready.promise
  return {
    stop: () => child.kill(),
    heard: async () => {
      if ((await ended.promise) !== 0) throw new Error(`${marker} has not come through`)
      return frames
    },
  }
}
