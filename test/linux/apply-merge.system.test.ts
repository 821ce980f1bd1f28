import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, it } from 'mocha'
import { type Applier, openApplier } from '../../src/linux/apply.ts'
import { ApplyFailed } from '../../src/linux/errors.ts'
import { openHold } from '../../src/linux/hold.ts'
import { bind, describeNative, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'

const ATTRIBUTES = { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0 }

describeNative('a merge into a tree', (native: () => Native) => {
  let root = ''
  const merge = async (work: (applier: Applier) => void, directory = root): Promise<void> => {
    await using applier = openApplier(directory, { native: native() })
    applier.merge()
    work(applier)
    await applier.finish()
  }
  const file = (name: string, text: string) => (applier: Applier) => {
    applier.file(name, ATTRIBUTES, text.length)
    applier.data(Buffer.from(text))
    applier.end()
  }
  const failsWith = (errno: number) => (error: Error) =>
    error instanceof ApplyFailed && error.doing === 'merge' && error.errno === errno
  beforeEach(async () => {
    root = join(await scratchDirectory(), 'root')
    mkdirSync(join(root, 'd'), { recursive: true })
    writeFileSync(join(root, 'd/kept'), 'kept')
    writeFileSync(join(root, 'f'), 'old')
  })

  it('replaces files and links, and fills directories', async () => {
    symlinkSync('f', join(root, 'l'))
    await merge((applier) => {
      file('f', 'new')(applier)
      file('l', 'no link')(applier)
      applier.directory('d', { ...ATTRIBUTES, mode: 0o755 })
      file('d/more', 'more')(applier)
    })
    assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'new')
    assert.equal(readFileSync(join(root, 'l'), 'utf8'), 'no link')
    assert.equal(readFileSync(join(root, 'd/kept'), 'utf8'), 'kept')
  })

  it('puts nothing in the place of a directory, and no directory in that of a file', async () => {
    await assert.rejects(merge(file('d', 'x')), failsWith(21))
    await assert.rejects(
      merge((applier) => applier.symlink('d', 'f', ATTRIBUTES)),
      failsWith(21),
    )
    await assert.rejects(
      merge((applier) => applier.hardLink('d', 'f')),
      failsWith(21),
    )
    await assert.rejects(
      merge((applier) => applier.node('d', { ...ATTRIBUTES, mode: 0o010600 }, { major: 0, minor: 0 })),
      failsWith(21),
    )
    await assert.rejects(
      merge((applier) => applier.directory('f', ATTRIBUTES)),
      failsWith(20),
    )
    assert.equal(readFileSync(join(root, 'd/kept'), 'utf8'), 'kept')
  })

  it('writes into a file that is mounted elsewhere, and takes no mount away', async () => {
    const source = `${root}-source`
    writeFileSync(source, 'a longer text', { mode: 0o640 })
    execFileSync('chown', ['7:7', source])
    const steps = [{ do: 'root-bind', at: root, source: root } as const, bind(source, '/f', { create: 'none' })]
    await using hold = await openHold(steps, { native: native() })
    const inside = `/proc/${hold.pid}/root${root}/.`
    await merge(file('f', 'new'), inside)
    await assert.rejects(
      merge((applier) => applier.symlink('f', 'x', ATTRIBUTES), inside),
      failsWith(16),
    )
    assert.equal(readFileSync(source, 'utf8'), 'new')
    assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'old')
    assert.equal(execFileSync('stat', ['-c', '%a %u', source], { encoding: 'utf8' }).trim(), '640 7')
  })
})
