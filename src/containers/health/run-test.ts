/** Runs the command of a health check in its container. */
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { demultiplexer } from '../attach/frames.ts'
import { finishExec, openForExec, startExec } from '../exec/start.ts'
import type { Probe } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import type { HealthRules } from './state.ts'

const MAX_OUTPUT_BYTES = 4096
const SIGKILL = 9
/** A test that could not be run, or did not end in time. */
const FAILED = -1

/** Never throws for what the container does: that is what is being tested. */
export async function runTest(room: ContainerRoom, id: string, rules: HealthRules): Promise<Probe> {
  const Start = new Date().toISOString()
  const result = await attempt(room, id, rules).catch((error: unknown) => ({
    ExitCode: FAILED,
    Output: error instanceof Error ? error.message : String(error),
  }))
  return { Start, End: new Date().toISOString(), ...result }
}

async function attempt(
  room: ContainerRoom,
  id: string,
  { command, timeoutMs }: HealthRules,
): Promise<Pick<Probe, 'ExitCode' | 'Output'>> {
  const started = await startExec(room, await openForExec(room, id), { request: { command } })
  const { supervisor } = started
  const output = capped()
  const sink = demultiplexer({ 1: output.stream, 2: output.stream })
  const written = once(sink, 'finish')
  supervisor.stdio.on('error', () => sink.end()) // the container has ended
  supervisor.stdio.once('close', () => sink.end())
  supervisor.stdio.pipe(sink)
  let late = false
  const timer = setTimeout(() => {
    late = true
    void supervisor.signal(SIGKILL).catch(() => {})
  }, timeoutMs)
  try {
    const { status } = await supervisor.wait()
    await written // the end is told on another connection than the output
    await finishExec(room, { id, execId: started.execId, directory: started.directory }, status)
    if (late) return { ExitCode: FAILED, Output: `Health check exceeded timeout (${timeoutMs / 1000}s)` }
    return { ExitCode: status, Output: output.text() }
  } finally {
    clearTimeout(timer)
    supervisor.stdio.destroy()
  }
}

/** The beginning of what is written; the rest is let go, however much it is. */
function capped(): { readonly stream: Writable; text(): string } {
  let kept = Buffer.alloc(0)
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (kept.length < MAX_OUTPUT_BYTES) kept = Buffer.concat([kept, chunk]).subarray(0, MAX_OUTPUT_BYTES)
      done()
    },
  })
  return { stream, text: () => kept.toString('utf8') }
}
