/** A build on a terminal: every step with its time, and below those that run the tail of what they print. */
import type { BuildEvent } from '../build/types.ts'
import { type BuildDisplay, lastOf, seconds } from './build-text.ts'
import type { ProgressStream } from './progress.ts'
import { neutralise } from './text.ts'

interface Row {
  readonly name: string
  readonly beganAtMs: number
  endedAtMs: number | undefined
  outcome: 'running' | Extract<BuildEvent, { type: 'end' }>['outcome']
  status: string
  lines: string[]
  rest: string
}

const REDRAW_MS = 100
const TAIL_LINES = 6

export function openLiveBuild(stream: ProgressStream): BuildDisplay {
  const rows = new Map<number, Row>()
  const beganAtMs = Date.now()
  let drawn = 0
  const draw = (final: boolean) => {
    const columns = stream.columns || 80
    const room = Math.max(2, (stream.rows || 24) - 2)
    const all = linesOf([...rows.values()], { beganAtMs, final })
    const shown = final ? all : [all[0] ?? '', ...all.slice(1).slice(-(room - 1))]
    const text = shown.map((line) => `\u001b[2K${cut(neutralise(line), columns - 1)}\n`).join('')
    stream.write(`${drawn === 0 ? '' : `\u001b[${drawn}A`}${text}\u001b[J`)
    drawn = shown.length
  }
  // It must not keep the process alive when the build has ended in a way that nobody told.
  const timer = setInterval(() => draw(false), REDRAW_MS).unref()
  let open = true
  return {
    show: (event) => {
      if (event.type === 'warning') {
        if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`)
        drawn = 0
        stream.write(`${neutralise(event.text)}\n`)
      } else take(rows, event)
    },
    close: () => {
      if (!open) return
      open = false
      clearInterval(timer)
      draw(true)
    },
  }
}

function take(rows: Map<number, Row>, event: Exclude<BuildEvent, { type: 'warning' }>): void {
  if (event.type === 'begin') {
    const { name, atMs } = event
    rows.set(event.vertex, {
      name,
      beganAtMs: atMs,
      endedAtMs: undefined,
      outcome: 'running',
      status: '',
      lines: [],
      rest: '',
    })
    return
  }
  const row = rows.get(event.vertex)
  if (row === undefined) return
  if (event.type === 'end') {
    row.endedAtMs = event.atMs
    row.outcome = event.outcome
  } else if (event.type === 'status') row.status = event.text
  else {
    const lines = `${row.rest}${event.text.toString()}`.split('\n')
    row.rest = (lines.pop() ?? '').slice(-4096)
    row.lines = [...row.lines, ...lines.map(lastOf)].slice(-TAIL_LINES)
  }
}

function linesOf(
  rows: readonly Row[],
  { beganAtMs, final }: { readonly beganAtMs: number; readonly final: boolean },
): readonly string[] {
  const now = Date.now()
  const ended = rows.filter(({ outcome }) => outcome !== 'running').length
  const head = `[+] Building ${seconds(now - beganAtMs, 1)}s (${ended}/${rows.length})${final ? ' FINISHED' : ''}`
  return [
    head,
    ...rows.flatMap((row) => {
      const took = `${seconds((row.endedAtMs ?? now) - row.beganAtMs, 1)}s`
      const first = ` => ${MARKS[row.outcome]}${row.name}  ${took}`
      if (row.outcome !== 'running') return [first]
      const status = row.status === '' ? [] : [` => => ${row.status}`]
      return [first, ...status, ...row.lines.map((line) => ` => => # ${line}`)]
    }),
  ]
}

const MARKS: Readonly<Record<Row['outcome'], string>> = {
  running: '',
  done: '',
  cached: 'CACHED ',
  failed: 'ERROR ',
  cancelled: 'CANCELED ',
}

function cut(line: string, columns: number): string {
  return line.length > columns ? line.slice(0, Math.max(1, columns)) : line
}
