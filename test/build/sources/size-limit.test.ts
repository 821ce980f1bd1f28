import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it } from 'mocha'
import { SourceFailed } from '../../../src/build/errors.ts'
import { sourceLimit, withinLimit } from '../../../src/build/sources/size-limit.ts'
import { InvalidArgument } from '../../../src/errors.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const NAME = 'CORACLE_BUILD_SOURCE_LIMIT'

describe('what a build fetches', () => {
  const before = process.env[NAME]
  afterEach(() => {
    if (before === undefined) delete process.env[NAME]
    else process.env[NAME] = before
  })
  const { signal } = new AbortController()

  it('may be as large as the user says, or else 64 GiB', () => {
    assert.equal(sourceLimit({}), 64 * 2 ** 30)
    assert.equal(sourceLimit({ [NAME]: '' }), 64 * 2 ** 30)
    assert.equal(sourceLimit({ [NAME]: '2k' }), 2048)
    assert.throws(() => sourceLimit({ [NAME]: 'much' }), InvalidArgument)
  })

  it('is measured when it is there, with all that is in its directories', async () => {
    process.env[NAME] = '1k'
    const directory = await scratchDirectory()
    const fill = (bytes: number) => async () => {
      mkdirSync(join(directory, 'a/b'), { recursive: true })
      writeFileSync(join(directory, 'a/b/file'), Buffer.alloc(bytes))
    }
    assert.equal(await withinLimit(directory, { what: 'it', signal }, fill(1024)), 1024)
    const refused = withinLimit(directory, { what: 'it', signal }, fill(1025))
    await assert.rejects(
      refused,
      (error) => error instanceof SourceFailed && /^it is larger than 1KiB$/.test(error.message),
    )
  })

  it('is not waited for once it is too large', async () => {
    process.env[NAME] = '1k'
    const directory = await scratchDirectory()
    const endless = async (stop: AbortSignal) => {
      writeFileSync(join(directory, 'file'), Buffer.alloc(2000))
      if (!stop.aborted) await once(stop, 'abort')
      stop.throwIfAborted()
    }
    await assert.rejects(
      withinLimit(directory, { what: 'it', signal }, endless),
      /^SourceFailed: it is larger than 1KiB$/,
    )
  })

  it('ends when the build does, and passes on what goes wrong', async () => {
    const directory = await scratchDirectory()
    const stopped = new AbortController()
    const waiting = withinLimit(directory, { what: 'it', signal: stopped.signal }, async (stop) => {
      stopped.abort(new Error('interrupted'))
      stop.throwIfAborted()
    })
    await assert.rejects(waiting, /interrupted/)
    const failing = withinLimit(directory, { what: 'it', signal }, () => Promise.reject(new Error('its own')))
    await assert.rejects(failing, /its own/)
  })
})
