import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createReadStream, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../src/errors.ts'
import { openOutput } from '../../src/ui/streams.ts'
import { scratchDirectory } from '../support/scratch.ts'

async function write(path: string, content: string): Promise<void> {
  await using output = await openOutput(path)
  output.stream.write(content)
  await output.finish()
}

describe('openOutput', () => {
  it('says in one line where nothing can be written', async () => {
    const directory = await scratchDirectory()
    mkdirSync(join(directory, 'd'))
    writeFileSync(join(directory, 'f'), '')
    for (const path of ['no/where', 'd', 'f/x'])
      await assert.rejects(openOutput(join(directory, path)), (error: Error) => {
        assert.ok(error instanceof InvalidArgument)
        assert.match(error.message, /^cannot write .*: .*directory/)
        return true
      })
    assert.deepEqual(readdirSync(directory).toSorted(), ['d', 'f'])
  })

  it('writes into pipes and devices, and puts no file in their place', async () => {
    const path = join(await scratchDirectory(), 'pipe')
    execFileSync('mkfifo', [path])
    const [said] = await Promise.all([text(createReadStream(path)), write(path, 'through')])
    assert.equal(said, 'through')
    assert.ok(lstatSync(path).isFIFO())
  })

  it('says of a full device which one it is', async () => {
    await assert.rejects(write('/dev/full', 'x'), { code: 'ENOSPC', path: '/dev/full' })
  })

  it('writes the file that a link leads to', async () => {
    const directory = await scratchDirectory()
    const path = join(directory, 'link')
    writeFileSync(join(directory, 'file'), 'before')
    symlinkSync('file', path)
    await write(path, 'after')
    assert.ok(lstatSync(path).isSymbolicLink())
    assert.equal(readFileSync(join(directory, 'file'), 'utf8'), 'after')
  })

  it('leaves nothing of what was not finished, and what was there as it was', async () => {
    const directory = await scratchDirectory()
    const path = join(directory, 'file')
    writeFileSync(path, 'before')
    {
      await using output = await openOutput(path)
      output.stream.write('half')
    }
    assert.equal(readFileSync(path, 'utf8'), 'before')
    assert.deepEqual(readdirSync(directory), ['file'])
  })
})
