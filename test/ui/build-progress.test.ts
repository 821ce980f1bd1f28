import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'mocha'
import type { BuildEvent } from '../../src/build/types.ts'
import { type BuildProgressMode, openBuildDisplay } from '../../src/ui/build-progress.ts'

const AT = Date.UTC(2026, 0, 1)
const EVENTS: readonly BuildEvent[] = [
  { type: 'begin', vertex: 1, name: '[1/2] RUN \u001b[2J', atMs: AT },
  { type: 'begin', vertex: 2, name: '[2/2] COPY a\nb /', atMs: AT },
  {
    type: 'output',
    vertex: 1,
    text: Buffer.from('one\r\u001b]0;title\u0007two\nthr'),
    stream: 'stdout',
    atMs: AT + 500,
  },
  { type: 'status', vertex: 2, text: '3 files', atMs: AT + 500 },
  { type: 'warning', text: 'careful \u001b[31m', atMs: AT + 600 },
  { type: 'end', vertex: 2, outcome: 'cached', atMs: AT + 700 },
  { type: 'end', vertex: 1, outcome: 'failed', error: 'exit code: 3', atMs: AT + 1000 },
]

async function shown(mode: BuildProgressMode, events: readonly BuildEvent[], terminal: object = {}): Promise<string> {
  let text = ''
  const display = await openBuildDisplay(mode, { write: (more: string) => (text += more), ...terminal })
  for (const event of events) display.show(event)
  await turn()
  display.close()
  display.close()
  return text
}

/** Without what the display itself tells the terminal. */
const withoutMoves = (text: string) =>
  text
    .split('\u001b[')
    .map((part, index) => (index === 0 ? part : part.replace(/^(?:\d+A|2K|J)/, '')))
    .join('')

describe('openBuildDisplay', () => {
  it('writes documents that clients of BuildKit understand', async () => {
    const documents = (await shown('rawjson', EVENTS)).trimEnd().split('\n')
    const [first, second, log, status, warning, cached, failed] = documents.map(
      (line) => JSON.parse(line) as Record<string, Record<string, unknown>[]>,
    )
    const begun = first?.['vertexes']?.[0] ?? {}
    assert.match(String(begun['digest']), /^sha256:[0-9a-f]{64}$/)
    assert.notEqual(begun['digest'], second?.['vertexes']?.[0]?.['digest'])
    const timestamp = '2026-01-01T00:00:00.500Z'
    const data = Buffer.from('one\r\u001b]0;title\u0007two\nthr').toString('base64')
    assert.deepEqual(log, { logs: [{ vertex: begun['digest'], stream: 1, data, timestamp }] })
    assert.deepEqual(status?.['statuses']?.[0]?.['id'], '3 files')
    assert.deepEqual(warning, { warnings: [{ level: 1, short: Buffer.from('careful \u001b[31m').toString('base64') }] })
    assert.equal(cached?.['vertexes']?.[0]?.['cached'], true)
    const end = { ...begun, completed: '2026-01-01T00:00:01.000Z', error: 'exit code: 3' }
    assert.deepEqual(failed, { vertexes: [end] })
  })

  it('lets no name and no output reach a terminal as anything but text', async () => {
    for (const mode of ['plain', 'tty'] as const) {
      const text = await shown(mode, EVENTS, { isTTY: true, columns: 60, rows: 10 })
      const own = withoutMoves(text)
      assert.ok(
        ['\u001b', '\u0007', '\r'].every((control) => !own.includes(control)),
        mode,
      )
      assert.match(own, /\\u001b\[2J/)
    }
  })

  it('draws no line that is wider than the terminal, and no more than fit while it goes on', async () => {
    const many = Array.from(
      { length: 40 },
      (_, n): BuildEvent => ({ type: 'begin', vertex: n, name: `${n} ${'long '.repeat(50)}`, atMs: AT }),
    )
    for (const columns of [10, 20, 80]) {
      const text = await shown('tty', many, { isTTY: true, columns, rows: 12 })
      const lines = withoutMoves(text).split('\n')
      assert.ok(
        lines.every((line) => line.length < columns),
        `${columns} columns`,
      )
    }
  })

  it('says nothing when it is told to be quiet', async () => {
    assert.equal(await shown('quiet', EVENTS), '')
  })
})
