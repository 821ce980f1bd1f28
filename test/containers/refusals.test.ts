import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseRunRequest } from '../../src/containers/parse/run-request.ts'
import { refusalNotes } from '../../src/containers/refusals.ts'
import type { RunFlags } from '../../src/containers/types.ts'
import { scratchDirectory } from '../support/scratch.ts'

const line = (path: string, writes = false, code = 'ENOENT') => JSON.stringify({ path, writes, code })

async function notes(lines: readonly string[], flags: RunFlags = {}): Promise<string[]> {
  const directory = await scratchDirectory()
  writeFileSync(join(directory, 'refused'), lines.join('\n'))
  return refusalNotes(directory, parseRunRequest({ image: 'app', command: [], flags }).host)
}

describe('what a user is told of refusals', () => {
  it('is the flag that would really have helped, once for each kind', async () => {
    const lines = [line('/no/such'), line('/etc/passwd'), line('/etc/group'), line('/etc/made', true)]
    assert.deepEqual(await notes(lines), [
      'the module was refused /etc/passwd: --allow-read=/etc/passwd would allow it',
      'the module was refused /etc/made: --allow-write=/etc would allow it',
    ])
  })

  it('is nothing where the flag is given or denied, or the root would have to be', async () => {
    assert.deepEqual(await notes([line('/etc/no-such')], { 'allow-read': ['/etc'] }), [])
    assert.deepEqual(await notes([line('/etc/passwd')], { 'deny-read': ['/etc'] }), [])
    assert.deepEqual(await notes([line('/etc/x', true)], { 'deny-write': ['/etc'] }), [])
    assert.deepEqual(await notes([line('/', false), line('/made-here', true)]), [])
    assert.deepEqual(await notes([line('/data/x', true, 'EROFS')], { volume: ['/etc:/data:ro'] }), [])
  })

  it('is to grant changes too, where only reading was granted', async () => {
    const given = { 'allow-read': ['/etc'] }
    assert.deepEqual(await notes([line('/etc/passwd', true, 'EROFS')], given), [
      'the module was refused /etc/passwd: --allow-write=/etc/passwd would allow it',
    ])
  })

  it('shows what a terminal would obey, and shell words as words', async () => {
    const directory = join(await scratchDirectory(), 'a b\u001b[2J')
    mkdirSync(directory)
    const [note = ''] = await notes([line(directory)])
    assert(note.includes("a b\\u001b[2J' would allow it") && !note.includes('\u001b'), note)
  })

  it('never fails, whatever the file holds', async () => {
    const directory = await scratchDirectory()
    const { host } = parseRunRequest({ image: 'app', command: [], flags: {} })
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constantFrom('null', '{"path":"/\\u0000","writes":true,"code":""}')),
        (text) => {
          writeFileSync(join(directory, 'refused'), text)
          assert(refusalNotes(directory, host).length <= 2)
        },
      ),
    )
  })
})
