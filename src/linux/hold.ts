/** Mounts that only this process sees, for as long as it lives (native/hold.c). */
import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { nativeProgram } from '../package-root.ts'
import { encodeChildStep } from './encode-child-step.ts'
import { encodeIdMaps } from './encode-plan.ts'
import { HoldFailed } from './errors.ts'
import type { IdMappings } from './id-mappings.ts'
import { causeOfEnd } from './interrupted.ts'
import type { NativeBuild } from './native-job.ts'
import type { ChildStep } from './plan.ts'
import { WireWriter } from './wire-writer.ts'

export interface Hold extends AsyncDisposable {
  /** What is mounted is seen below `/proc/PID/root`. It ends with this process, whatever ends it. */
  readonly pid: number
}

const MAP_IDS = 37
const MESSAGE_BYTES = 768

/**
 * @param steps - mounts, from the root step on; the host's file system stays around them
 * @throws {HoldFailed} a step failed; nothing is left
 */
export async function openHold(
  steps: readonly ChildStep[],
  { idMaps, native }: { readonly idMaps?: IdMappings | undefined; readonly native?: NativeBuild | undefined } = {},
): Promise<Hold> {
  const [program, ...words] = native?.argv ?? [nativeProgram]
  const child = spawn(program, [...words, 'hold'], {
    cwd: '/',
    env: { ...native?.env },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const [lifeline, news, , plan] = child.stdio as unknown as [Writable, Readable, null, Writable]
  child.once('error', (error) => news.destroy(error))
  lifeline.on('error', () => {})
  plan.on('error', () => {}) // its answer says why
  plan.end(encode([...steps, exec(program, words)], idMaps))
  const stop = async () => {
    lifeline.destroy()
    await closed
  }
  try {
    const pid = await readReady(news)
    return { pid, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw causeOfEnd(child, error)
  }
}

function exec(program: string, words: readonly string[]): ChildStep {
  return { do: 'exec', file: program, argv: [program, ...words, 'hold', 'wait'], env: [] }
}

function encode(steps: readonly ChildStep[], idMaps: IdMappings | undefined): Buffer {
  const writer = new WireWriter()
  if (idMaps !== undefined) writer.record(MAP_IDS, (record) => encodeIdMaps(record, idMaps))
  encodeChildStep(writer, { do: 'propagation', path: '/', value: 'rprivate' })
  for (const step of steps) encodeChildStep(writer, step)
  return writer.finish()
}

/** Messages of the steps, then `READY PID`, or a line `FAILED` of one that came before them. */
async function readReady(stream: Readable): Promise<number> {
  let bytes: Buffer = Buffer.alloc(0)
  // Leaving the loop must not close the stream: the other end would die of it.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes = skipWarnings(Buffer.concat([bytes, chunk]))
    const ready = /^READY (\d+)\n/.exec(bytes.toString('latin1', 0, 32))
    if (ready !== null) return Number(ready[1])
  }
  throw new Error('the native program ended early')
}

/** @throws {HoldFailed} */
function skipWarnings(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  if (text.startsWith('FAILED\t')) throw new HoldFailed(text.trimEnd().split('\t').slice(1))
  if (bytes.length < MESSAGE_BYTES || text.startsWith('READY ')) return bytes
  if (text.startsWith('F')) throw new HoldFailed((text.slice(1, MESSAGE_BYTES).split('\0')[0] ?? '').split('\t'))
  return skipWarnings(bytes.subarray(MESSAGE_BYTES))
}
