import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type { TransferProgress } from '../../src/images/types.ts'
import { openProgress, progressLine } from '../../src/ui/progress.ts'

const layer = (id: string, phase: TransferProgress['phase'], currentBytes = 0): TransferProgress => ({
  id,
  phase,
  currentBytes,
  totalBytes: 1000,
})

function collector(terminal: { columns: number; rows: number } | undefined) {
  const written: string[] = []
  return { written, isTTY: terminal !== undefined, ...terminal, write: (text: string) => written.push(text) }
}

describe('the progress display', () => {
  it('writes plain lines where there is no terminal, one for each phase', () => {
    const stream = collector(undefined)
    const display = openProgress(stream)
    display.onMessage('latest: Pulling from library/busybox')
    for (const bytes of [1, 500, 900]) display.onProgress(layer('aaaa', 'downloading', bytes))
    display.onProgress(layer('aaaa', 'pulled'))
    display.close()
    assert.equal(
      stream.written.join(''),
      'latest: Pulling from library/busybox\naaaa: Downloading\naaaa: Pull complete\n',
    )
  })

  it('draws on a terminal when all layers are done, and not once for each event before', () => {
    const stream = collector({ columns: 80, rows: 24 })
    const display = openProgress(stream)
    for (let bytes = 0; bytes < 1000; bytes++) display.onProgress(layer('aaaa', 'downloading', bytes))
    assert.equal(stream.written.length, 0)
    display.onProgress(layer('aaaa', 'pulled'))
    assert.equal(stream.written.length, 1)
    assert(stream.written[0]?.includes('aaaa: Pull complete\n'))
  })

  it('goes back up over the lines it has drawn, and leaves them alone once a message follows', () => {
    const stream = collector({ columns: 80, rows: 24 })
    const display = openProgress(stream)
    for (const id of ['a', 'b']) display.onProgress(layer(id, 'exists'))
    assert(stream.written.at(-1)?.startsWith('\u001b[1A'))
    display.onMessage('done')
    display.onProgress(layer('c', 'exists'))
    assert(!stream.written.at(-1)?.includes('\u001b[1A'))
  })

  it('does not let an image’s words move the cursor', () => {
    const stream = collector({ columns: 80, rows: 24 })
    openProgress(stream).onMessage('\u001b[2J pulled')
    assert.equal(stream.written.join(''), '\\u001b[2J pulled\n')
  })
})

describe('progressLine', () => {
  it('shows how much there is of how much, in the width there is', () => {
    assert.equal(
      progressLine(layer('aaaa', 'downloading', 500), 80),
      'aaaa: Downloading [========================>                        ]  500B/1kB',
    )
    assert.equal(progressLine(layer('aaaa', 'downloading', 500), 30), 'aaaa: Downloading 500B/1kB')
  })
  it('never fills the last column, whatever it is told', () => {
    for (let columns = 2; columns < 90; columns++) {
      assert(progressLine(layer('a'.repeat(12), 'extracting', 5000), columns).length < columns)
    }
  })
})
