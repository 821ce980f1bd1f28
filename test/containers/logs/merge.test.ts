import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { mergeByTime, mergeLive } from '../../../src/containers/logs/merge.ts'

async function* streamOf<Value>(values: readonly Value[]): AsyncGenerator<Value> {
  yield* values
}

async function collect<Value>(stream: AsyncGenerator<Value>): Promise<Value[]> {
  const values: Value[] = []
  for await (const value of stream) values.push(value)
  return values
}

describe('several logs as one', () => {
  it('are in the order of time', async () => {
    const lists = fc.array(fc.array(fc.bigInt({ min: 0n, max: 50n })), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(lists, async (times) => {
        const streams = times.map((list) => list.toSorted((a, b) => Number(a - b)).map((timeNs) => ({ timeNs })))
        const merged = await collect(mergeByTime(streams.map(streamOf)))
        assert.deepEqual(
          merged.map(({ timeNs }) => timeNs),
          times.flat().toSorted((a, b) => Number(a - b)),
        )
      }),
    )
  })

  it('keep the order of each when its clock jumped back', async () => {
    const one = [5n, 1n, 9n].map((timeNs) => ({ timeNs, from: 'one' }))
    const two = [6n].map((timeNs) => ({ timeNs, from: 'two' }))
    const merged = await collect(mergeByTime([streamOf(one), streamOf(two)]))
    assert.deepEqual(
      merged.filter(({ from }) => from === 'one'),
      one,
    )
  })

  it('come as they are written, and end with the last', async () => {
    const slow = Promise.withResolvers<void>()
    async function* waiting(): AsyncGenerator<string> {
      yield 'first'
      await slow.promise
      yield 'last'
    }
    const merged = mergeLive([waiting(), streamOf(['a', 'b'])])
    const seen: string[] = []
    for await (const value of merged) {
      seen.push(value)
      if (seen.length === 3) slow.resolve()
    }
    assert.deepEqual(seen.toSorted(), ['a', 'b', 'first', 'last'])
    assert.equal(seen.at(-1), 'last')
  })

  it('keep nothing for a stream that is silent while another goes on', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const silence = new PassThrough({ objectMode: true })
    const silent = async function* (): AsyncGenerator<number> {
      yield* silence
    }
    const noisy = async function* (): AsyncGenerator<number> {
      for (let number = 0; number < 200_000; number += 1) yield number
      collect()
      const used = process.memoryUsage().heapUsed
      assert(used - before < 10_000_000, `${used - before} bytes`)
      silence.end()
    }
    collect()
    const before = process.memoryUsage().heapUsed
    for await (const _ of mergeLive([silent(), noisy()]));
  })
})
