/** A build as the user sees it: a live tree of steps, plain lines, or JSON for programs. */
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

/** A document a line, with the fields of BuildKit's client where they mean something here. */
function openJsonDisplay(stream: ProgressStream): BuildDisplay {
  const names = new Map<number, { readonly name: string; readonly started: string }>()
  const write = (document: unknown) => stream.write(`${JSON.stringify(document)}\n`)
  const time = (atMs: number) => new Date(atMs).toISOString()
  return {
    show: (event) => {
      if (event.type === 'warning') return void write({ warnings: [{ short: event.text }] })
      const digest = `vertex:${event.vertex}`
      if (event.type === 'begin') {
        names.set(event.vertex, { name: event.name, started: time(event.atMs) })
        write({ vertexes: [{ digest, ...names.get(event.vertex) }] })
      } else if (event.type === 'end') {
        const { outcome, error, atMs } = event
        const end = { completed: time(atMs), cached: outcome === 'cached', ...(error !== undefined && { error }) }
        write({ vertexes: [{ digest, ...names.get(event.vertex), ...end }] })
      } else if (event.type === 'status')
        write({ statuses: [{ id: event.text, vertex: digest, timestamp: time(event.atMs) }] })
      else {
        const { text, stream: source, atMs } = event
        const data = text.toString('base64')
        write({ logs: [{ vertex: digest, stream: source === 'stdout' ? 1 : 2, data, timestamp: time(atMs) }] })
      }
    },
    close: () => {},
  }
}
