/** The engine as a plugin sees it: each call goes over the line. This runs inside the walls. */
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type Answer, type Output, writeFrame } from './frames.ts'
import type { EngineRun, ListedContainer, ListedImage, PluginEngine, RunOptions } from './plugin.ts'

interface Waiting {
  readonly settle: (answer: Answer) => void
  readonly print?: (output: Output) => void
}

export interface RemoteEngine {
  readonly engine: PluginEngine
  /** An answer, or part of a container's output. */
  take(frame: Answer | Output): void
}

export function openRemoteEngine(socket: Socket): RemoteEngine {
  const waiting = new Map<number, Waiting>()
  let last = 0
  const begin = (method: string, parameter: unknown, print?: Waiting['print']) => {
    const id = ++last
    socket.ref()
    const result = new Promise<unknown>((resolve, reject) => {
      const settle = ({ result: value, error }: Answer) => {
        if (waiting.size === 0) socket.unref() // a command ends when it has nothing left to do
        if (error === undefined) resolve(value)
        else reject(Object.assign(new Error(error.message), { code: error.code }))
      }
      waiting.set(id, { settle, ...(print !== undefined && { print }) })
    })
    void writeFrame(socket, { id, method, parameter })
    return { id, result }
  }
  const call = (method: string, parameter: unknown) => begin(method, parameter).result
  const run = (options: RunOptions): EngineRun => {
    const stdout = outputStream((bytes) => void writeFrame(socket, { id, taken: bytes }))
    const stderr = outputStream((bytes) => void writeFrame(socket, { id, taken: bytes }))
    const print = ({ stream, data }: Output) =>
      (stream === 'stdout' ? stdout : stderr).take(Buffer.from(data, 'base64'))
    const { id, result } = begin('run', sendable(options), print)
    const status = result.then((value) => (value as { status: number }).status)
    status.then(
      () => {
        for (const { stream } of [stdout, stderr]) stream.push(null)
      },
      (error: Error) => {
        for (const { stream } of [stdout, stderr]) stream.destroy(error)
      },
    )
    const output = async () => {
      const [out, err] = await Promise.all([text(stdout.stream), text(stderr.stream)])
      return { status: await status, stdout: out, stderr: err }
    }
    return { stdout: stdout.stream, stderr: stderr.stream, status, output }
  }
  return {
    engine: { ...listsOf(call), run },
    take: (frame) => {
      const entry = waiting.get(frame.id)
      if ('stream' in frame) return entry?.print?.(frame)
      waiting.delete(frame.id)
      entry?.settle(frame)
    },
  }
}

function listsOf(call: (method: string, parameter: unknown) => Promise<unknown>): Omit<PluginEngine, 'run'> {
  return {
    images: {
      list: async (options = {}) => (await call('images.list', options)) as ListedImage[],
      inspect: async (name) => (await call('images.inspect', name)) as object,
      pull: async (name) => void (await call('images.pull', name)),
      remove: async (name) => void (await call('images.remove', name)),
    },
    containers: {
      list: async (options = {}) => (await call('containers.list', options)) as ListedContainer[],
      inspect: async (name) => (await call('containers.inspect', name)) as object,
      stop: async (name) => void (await call('containers.stop', name)),
      remove: async (name) => void (await call('containers.remove', name)),
    },
  }
}

function sendable({ input, ...options }: RunOptions): object {
  return input === undefined ? options : { ...options, input: Buffer.from(input as Uint8Array).toString('base64') }
}

/** @param tell - is told of bytes that have been read, so that more are sent */
function outputStream(tell: (bytes: number) => void): { readonly stream: Readable; take(chunk: Buffer): void } {
  let held = 0
  const release = () => {
    if (held > 0) tell(held)
    held = 0
  }
  const stream = new Readable({ read: release })
  stream.on('error', () => {}) // whoever reads it hears of that; nobody has to
  return {
    stream,
    take: (chunk) => {
      held += chunk.length
      if (stream.push(chunk)) release()
    },
  }
}
