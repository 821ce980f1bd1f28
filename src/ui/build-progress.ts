/** A build as the user sees it: a live tree of steps, plain lines, or JSON for programs. */
import { createHash } from 'node:crypto'
import type { BuildEvent } from '../build/types.ts'
import type { BuildDisplay } from './build-text.ts'
import { lastOf, seconds } from './build-text.ts'
import type { ProgressStream } from './progress.ts'
import { neutralise } from './text.ts'

export type BuildProgressMode = 'auto' | 'plain' | 'tty' | 'rawjson' | 'quiet' | 'none'

export async function openBuildDisplay(mode: BuildProgressMode, stream: ProgressStream): Promise<BuildDisplay> {
  if (mode === 'quiet' || mode === 'none') return { show: () => {}, close: () => {} }
  if (mode === 'rawjson') return openJsonDisplay(stream)
  if (mode === 'tty' || (mode === 'auto' && stream.isTTY === true)) {
    const { openLiveBuild } = await import('./build-live.ts')
    return openLiveBuild(stream)
  }
  return openPlainDisplay(stream)
}

interface Shown {
  readonly beganAtMs: number
  /** What has come of a line that is not complete. */
  readonly rest: { stdout: string; stderr: string }
}

/** `#5 [2/3] RUN make`, `#5 0.123 its output`, `#5 DONE 0.5s`, as BuildKit's own. */
function openPlainDisplay(stream: ProgressStream): BuildDisplay {
  const vertices = new Map<number, Shown>()
  const write = (vertex: number, text: string) => stream.write(`#${vertex} ${neutralise(text)}\n`)
  const output = ({ vertex, text, stream: source, atMs }: Extract<BuildEvent, { type: 'output' }>) => {
    const shown = vertices.get(vertex)
    if (shown === undefined) return
    const lines = `${shown.rest[source]}${text.toString()}`.split('\n')
    shown.rest[source] = (lines.pop() ?? '').slice(-MAX_LINE)
    for (const line of lines) write(vertex, `${seconds(atMs - shown.beganAtMs, 3)} ${lastOf(line)}`)
  }
  const end = ({ vertex, outcome, error, atMs }: Extract<BuildEvent, { type: 'end' }>) => {
    const shown = vertices.get(vertex)
    if (shown === undefined) return
    const took = atMs - shown.beganAtMs
    for (const rest of Object.values(shown.rest)) if (rest !== '') write(vertex, `${seconds(took, 3)} ${lastOf(rest)}`)
    if (outcome === 'cached') write(vertex, 'CACHED')
    else if (outcome === 'done') write(vertex, `DONE ${seconds(took, 1)}s`)
    else if (outcome === 'cancelled') write(vertex, 'CANCELED')
    else write(vertex, `ERROR: ${error?.split('\n')[0] ?? ''}`)
    stream.write('\n')
  }
  return {
    show: (event) => {
      if (event.type === 'begin') {
        vertices.set(event.vertex, { beganAtMs: event.atMs, rest: { stdout: '', stderr: '' } })
        write(event.vertex, event.name)
      } else if (event.type === 'output') output(event)
      else if (event.type === 'status') write(event.vertex, event.text)
      else if (event.type === 'end') end(event)
      else stream.write(`${neutralise(event.text)}\n`)
    },
    close: () => {},
  }
}

const MAX_LINE = 64 << 10

/** A document a line, as BuildKit's client has it (`SolveStatus`): vertices by digests, bytes in base64. */
function openJsonDisplay(stream: ProgressStream): BuildDisplay {
  const begun = new Map<number, { readonly digest: string; readonly name: string; readonly started: string }>()
  const write = (document: unknown) => stream.write(`${JSON.stringify(document)}\n`)
  const time = (atMs: number) => new Date(atMs).toISOString()
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    show: (event) => {
      if (event.type === 'warning') return void write({ warnings: [{ level: 1, short: base64(event.text) }] })
      if (event.type === 'begin') {
        const { name, vertex, atMs } = event
        begun.set(vertex, { digest: vertexDigest(event), name, started: time(atMs) })
      }
      const known = begun.get(event.vertex)
      const timestamp = time(event.atMs)
      const vertex = known?.digest
      if (event.type === 'begin') write({ vertexes: [known] })
      else if (event.type === 'end') {
        const { outcome, error } = event
        const end = { completed: timestamp, ...(outcome === 'cached' && { cached: true }), ...(error && { error }) }
        write({ vertexes: [{ ...known, ...end }] })
      } else if (event.type === 'status')
        write({ statuses: [{ id: event.text, vertex, current: 0, timestamp, started: timestamp }] })
      else {
        const data = event.text.toString('base64')
        write({ logs: [{ vertex, stream: event.stream === 'stdout' ? 1 : 2, data, timestamp }] })
      }
    },
    close: () => {},
  }
}

/** Of the same build no two are the same. */
function vertexDigest({ vertex, name }: { readonly vertex: number; readonly name: string }): string {
  return `sha256:${createHash('sha256').update(`${vertex} ${name}`).digest('hex')}`
}
