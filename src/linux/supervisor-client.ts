/** Connections of later commands to a supervisor: it listens in its container's run directory. */
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { openControl, type SupervisorControl } from './supervisor-control.ts'

/** Of a socket that is not there, not listened on any more, or closed with the connection in its queue. */
const GONE = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET']

export interface ConnectedSupervisor extends SupervisorControl {
  close(): void
}

/**
 * A control connection. It keeps this process alive until it is closed, or the supervisor ends.
 *
 * @returns undefined when there is no supervisor any more: the exit record tells the rest
 */
export async function connectSupervisor(runDirectory: string): Promise<ConnectedSupervisor | undefined> {
  const socket = await open(runDirectory)
  if (socket === undefined) return undefined
  return { ...openControl(socket), close: () => socket.destroy() }
}

export interface AttachOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

export interface Attached {
  /** Whether the streams are those of a terminal: raw, not in docker's stream framing. */
  readonly raw: boolean
  /** From now on; ends with the container. Ending the writable side ends the container's stdin if it is open for one. */
  readonly stdio: Duplex
}

/** @returns undefined when there is no supervisor any more */
export async function attachSupervisor(runDirectory: string, options: AttachOptions): Promise<Attached | undefined> {
  const socket = await open(runDirectory)
  if (socket === undefined) return undefined
  const { stdin, stdout, stderr } = options
  socket.write(`ATTACH ${[stdin, stdout, stderr].map(Number).join(' ')}\n`)
  const answer = await readLine(socket)
  if (answer !== undefined) return { raw: answer === 'RAW', stdio: socket }
  socket.destroy()
  return undefined
}

async function open(runDirectory: string): Promise<Socket | undefined> {
  const socket = connect({ path: join(runDirectory, 'supervisor.sock'), allowHalfOpen: true })
  return await new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (GONE.includes(error.code ?? '')) resolve(undefined)
      else reject(error)
    })
  })
}

const MAX_ANSWER_BYTES = 64
const NEWLINE = 0x0a

function readByte(socket: Socket): number | undefined {
  return (socket.read(1) as Buffer | null)?.[0]
}

/** The first line; what follows it stays in the stream. */
async function readLine(socket: Socket): Promise<string | undefined> {
  const line: number[] = []
  return await new Promise((resolve) => {
    const settle = (answer: string | undefined) => {
      for (const event of ['readable', 'end', 'error']) socket.removeAllListeners(event)
      resolve(answer)
    }
    const lost = () => settle(undefined)
    socket.once('end', lost)
    socket.once('error', lost)
    socket.on('readable', () => {
      for (let byte = readByte(socket); byte !== undefined; byte = readByte(socket)) {
        if (byte === NEWLINE) return settle(String.fromCharCode(...line))
        line.push(byte)
        if (line.length > MAX_ANSWER_BYTES) return lost()
      }
    })
  })
}
