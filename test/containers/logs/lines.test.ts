import assert from 'node:assert/strict'
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { LogLines } from '../../../src/containers/logs/lines.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const entry = (text: string) => `${JSON.stringify({ log: text, stream: 'stdout', time: '2024-05-06T07:08:09Z' })}\n`

async function textsOf(lines: LogLines): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of lines.read()) texts.push(text)
  return texts
}

/** As the supervisor does it. */
function rotate(path: string, files: number): void {
  for (let index = files - 1; index > 0; index -= 1) {
    const from = index === 1 ? path : `${path}.${index - 1}`
    try {
      renameSync(from, `${path}.${index}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  writeFileSync(path, '')
}

describe('the lines of a log', () => {
  it('come from every file, oldest first', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(`${path}.2`, entry('a') + entry('b'))
    writeFileSync(`${path}.1`, entry('c'))
    writeFileSync(path, entry('d'))
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), ['a', 'b', 'c', 'd'])
    await lines.close()
  })

  it('are none where there is no file, and come when there is one', async () => {
    const path = join(await scratchDirectory(), 'log')
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), [])
    writeFileSync(path, entry('a'))
    assert.deepEqual(await textsOf(lines), ['a'])
    await lines.close()
  })

  it('are the last so many, counted over all files', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(`${path}.1`, entry('a') + entry('b') + entry('c'))
    writeFileSync(path, entry('d') + entry('e'))
    for (const [count, expected] of [
      [0, []],
      [1, ['e']],
      [2, ['d', 'e']],
      [3, ['c', 'd', 'e']],
      [5, ['a', 'b', 'c', 'd', 'e']],
      [9, ['a', 'b', 'c', 'd', 'e']],
    ] as const) {
      const lines = await LogLines.open(path, count)
      assert.deepEqual(await textsOf(lines), expected, `the last ${count}`)
      await lines.close()
    }
  })

  it('are found from the end of large files as well', async () => {
    const path = join(await scratchDirectory(), 'log')
    const long = 'x'.repeat(10_000)
    writeFileSync(path, Array.from({ length: 200 }, (_, n) => entry(`${n} ${long}`)).join(''))
    const lines = await LogLines.open(path, 60)
    const texts = await textsOf(lines)
    assert.deepEqual([texts.length, texts[0]?.split(' ')[0]], [60, '140'])
    await lines.close()
  })

  it('go on after a line that is damaged, cut or endless', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(path, `${entry('a')}{"log":"cut${entry('b')}${'z'.repeat(1_000_000)}\n${entry('c')}`)
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), ['a', 'c'])
    await lines.close()
  })

  it('wait for the end of a line that is being written', async () => {
    const path = join(await scratchDirectory(), 'log')
    const whole = entry('ä and more')
    const bytes = Buffer.from(whole)
    const lines = await LogLines.open(path, undefined)
    for (const [from, to] of [
      [0, 9],
      [9, 10],
      [10, bytes.length - 1],
    ] as const) {
      appendFileSync(path, bytes.subarray(from, to))
      assert.deepEqual(await textsOf(lines), [])
    }
    appendFileSync(path, '\n')
    assert.deepEqual(await textsOf(lines), ['ä and more'])
    await lines.close()
  })

  it('start over when the log is emptied', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(path, entry('a') + entry('b'))
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), ['a', 'b'])
    truncateSync(path)
    appendFileSync(path, entry('c'))
    assert.deepEqual(await textsOf(lines), ['c'])
    await lines.close()
  })

  it('are all read when the log was replaced by an empty one and has grown longer than it was', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(path, entry('a') + entry('b'))
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), ['a', 'b'])
    writeFileSync(`${path}.new`, '')
    renameSync(`${path}.new`, path)
    appendFileSync(path, ['c', 'd', 'e', 'f'].map(entry).join(''))
    assert.deepEqual(await textsOf(lines), ['c', 'd', 'e', 'f'])
    await lines.close()
  })

  it('are read once each, however writing, rotating and reading take turns', async () => {
    const steps = fc.array(fc.constantFrom('write', 'rotate', 'read'), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(steps, async (turns) => {
        const directory = await scratchDirectory()
        const path = join(directory, 'log')
        const lines = await LogLines.open(path, undefined)
        let written = 0
        let sinceRead = 0
        const seen: string[] = []
        for (const turn of turns) {
          if (turn === 'write') appendFileSync(path, entry(String(written++)))
          else if (turn === 'read') {
            seen.push(...(await textsOf(lines)))
            sinceRead = 0
          } else if (sinceRead < 4) {
            rotate(path, 6) // a reader that falls behind by fewer rotations than files are kept
            sinceRead += 1
          }
        }
        seen.push(...(await textsOf(lines)))
        await lines.close()
        rmSync(directory, { recursive: true })
        assert.deepEqual(
          seen,
          Array.from({ length: written }, (_, n) => String(n)),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('go on with the oldest that is left when the reader was too slow', async () => {
    const path = join(await scratchDirectory(), 'log')
    writeFileSync(path, entry('0'))
    const lines = await LogLines.open(path, undefined)
    assert.deepEqual(await textsOf(lines), ['0'])
    for (let n = 1; n <= 5; n += 1) {
      rotate(path, 3)
      appendFileSync(path, entry(String(n)))
    }
    assert.deepEqual(await textsOf(lines), ['3', '4', '5'])
    await lines.close()
  })
})
