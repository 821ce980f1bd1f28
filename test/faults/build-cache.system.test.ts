import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { change, dockerfileOf, writeProject } from '../support/build-arbitrary.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { tarFiles } from '../support/tar-files.ts'

const RUNS = Number(process.env['BUILD_CACHE_RUNS'] ?? 6)

describe('the cache of builds', function () {
  this.timeout(60_000 + RUNS * 20_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  /** The files of the last stage, or why there are none. */
  const build = async (context: string, ...args: string[]): Promise<unknown> => {
    const tar = join(coracle.directory, 'out.tar')
    rmSync(tar, { force: true })
    const words = ['build', '--progress', 'plain', '--network', 'none', ...args, '-o', `type=tar,dest=${tar}`, context]
    const { status, stderr } = coracle.run(words)
    assert.doesNotMatch(stderr, /internal error/)
    if (status !== 0) return /^coracle: (.*)$/m.exec(stderr)?.[1]
    return [...(await tarFiles(tar))].toSorted(([one], [other]) => (one < other ? -1 : 1))
  }

  it('gives what a build without it gives, whatever has changed since it was filled', async () => {
    const property = fc.asyncProperty(change, async ([first, second]) => {
      const root = writeProject(coracle.directory, first)
      try {
        await build(root)
        writeProject(coracle.directory, second, root)
        const cached = await build(root)
        assert.deepEqual(cached, await build(root, '--no-cache'), dockerfileOf(second))
      } finally {
        rmSync(root, { recursive: true, force: true })
      }
    })
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
  })
})
