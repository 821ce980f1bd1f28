/** Transfers as the user sees them: a line for each layer, redrawn in place on a terminal, plain lines elsewhere. */
import type { TransferOptions, TransferProgress } from '../images/types.ts'
import { neutralise } from './text.ts'
import { humanSize } from './units.ts'

export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  write(text: string): unknown
}

export interface ProgressDisplay extends Required<Pick<TransferOptions, 'onProgress' | 'onMessage'>> {
  /** Draws the last state and leaves the cursor below it. Idempotent. */
  close(): void
}

const REDRAW_MS = 100
const BAR_WIDTH = 50

const WORDS: Readonly<Record<TransferProgress['phase'], string>> = {
  waiting: 'Waiting',
  downloading: 'Downloading',
  verifying: 'Verifying Checksum',
  extracting: 'Extracting',
  pulled: 'Pull complete',
  exists: 'Already exists',
  preparing: 'Preparing',
  pushing: 'Pushing',
  mounted: 'Mounted from another repository',
  pushed: 'Pushed',
  loading: 'Loading layer',
  retrying: 'Retrying',
}
const FINAL = new Set<TransferProgress['phase']>(['pulled', 'exists', 'mounted', 'pushed'])
const WITH_BAR = new Set<TransferProgress['phase']>(['downloading', 'extracting', 'pushing', 'loading'])

export function openProgress(stream: ProgressStream): ProgressDisplay {
  return stream.isTTY === true ? openLiveDisplay(stream) : openPlainDisplay(stream)
}

/** A line whenever a layer comes to its next phase. */
function openPlainDisplay(stream: ProgressStream): ProgressDisplay {
  const phases = new Map<string, string>()
  return {
    onProgress: ({ id, phase, detail }) => {
      if (phase === 'waiting' || phases.get(id) === phase) return
      phases.set(id, phase)
      stream.write(`${id}: ${WORDS[phase]}${detail === undefined ? '' : ` (${detail})`}\n`)
    },
    onMessage: (line) => void stream.write(`${line}\n`),
    close: () => {},
  }
}

/** Draws at most ten times a second, but at once when the last layer is done: what follows must not be drawn over. */
function openLiveDisplay(stream: ProgressStream): ProgressDisplay {
  const layers = new Map<string, TransferProgress>()
  let drawnLines = 0
  let timer: NodeJS.Timeout | undefined

  // A terminal that was never given a size says 0.
  const draw = (all: boolean) => {
    clearTimeout(timer)
    timer = undefined
    // More lines than the terminal has cannot be reached again: while it goes on, show those that move.
    const room = Math.max(1, (stream.rows || 24) - 2)
    const shown = all || layers.size <= room ? [...layers.values()] : busiest([...layers.values()], room)
    const up = drawnLines === 0 ? '' : `\u001b[${drawnLines}A`
    const lines = shown.map((layer) => `\u001b[2K${progressLine(layer, stream.columns || 80)}\n`)
    stream.write(`${up}${lines.join('')}\u001b[J`)
    drawnLines = shown.length
  }
  const close = () => {
    if (layers.size > 0) draw(true)
    layers.clear()
    drawnLines = 0
  }
  return {
    close,
    onProgress: (progress) => {
      layers.set(progress.id, progress)
      if ([...layers.values()].every(({ phase }) => FINAL.has(phase))) draw(true)
      else timer ??= setTimeout(draw, REDRAW_MS, false).unref()
    },
    onMessage: (line) => {
      close()
      stream.write(`${neutralise(line)}\n`)
    },
  }
}

function busiest(layers: readonly TransferProgress[], count: number): readonly TransferProgress[] {
  const moving = layers.filter(({ phase }) => !FINAL.has(phase) && phase !== 'waiting')
  return [...moving, ...layers.filter((layer) => !moving.includes(layer))].slice(0, count)
}

/** `a1b2c3d4e5f6: Downloading [=====>    ]  1.2MB/3.4MB`, cut to the width of the terminal. */
export function progressLine(
  { id, phase, currentBytes, totalBytes, detail }: TransferProgress,
  columns: number,
): string {
  const label = `${id}: ${WORDS[phase]}${detail === undefined ? '' : ` (${detail})`}`
  if (!WITH_BAR.has(phase) || currentBytes === 0) return neutralise(label).slice(0, columns - 1)
  const sizes = totalBytes > 0 ? `${humanSize(currentBytes)}/${humanSize(totalBytes)}` : humanSize(currentBytes)
  const width = Math.min(BAR_WIDTH, columns - label.length - sizes.length - 6)
  const bar = totalBytes > 0 && width >= 10 ? `[${progressBar(currentBytes / totalBytes, width)}]  ` : ''
  return neutralise(`${label} ${bar}${sizes}`).slice(0, columns - 1)
}

function progressBar(fraction: number, width: number): string {
  const done = Math.min(width, Math.max(0, Math.round(fraction * width)))
  return done === width ? '='.repeat(width) : `${'='.repeat(Math.max(0, done - 1))}>`.padEnd(width)
}
