import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { parseMode, resolveOwner } from '../../../src/build/copy/owners.ts'
import { CopyFailed } from '../../../src/build/errors.ts'
import { InvalidArgument } from '../../../src/errors.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('parseMode', () => {
  for (const [text, before, after] of [
    ['755', 0o600, 0o755],
    ['0644', 0o777, 0o644],
    ['4755', 0o600, 0o4755],
    ['u=rwX,go=rX', 0o600, 0o644],
    ['u=rwX,go=rX', 0o700, 0o755],
    ['a+x', 0o644, 0o755],
    ['+x', 0o644, 0o755],
    ['go-w', 0o666, 0o644],
    ['u+s,g+s,+t', 0o755, 0o7755],
    ['o=', 0o777, 0o770],
    ['u-x+w', 0o555, 0o655],
  ] as const)
    it(`makes ${after.toString(8)} of ${before.toString(8)} by ${text}`, () => {
      assert.equal(parseMode(text)(before, false), after)
    })

  it('lets directories be entered with X', () => {
    assert.equal(parseMode('a=rX')(0o600, true), 0o555)
  })

  it('refuses what is no mode', () => {
    for (const text of ['', '8', '77777', 'u', 'rwx', 'u=rwx;', 'z+x'])
      assert.throws(() => parseMode(text), CopyFailed, text)
  })
})

describe('resolveOwner', () => {
  it('looks names up in the image, and takes a lone number for both', async () => {
    const layer = await scratchDirectory()
    mkdirSync(join(layer, 'etc'))
    writeFileSync(join(layer, 'etc/passwd'), 'joe:x:7:8::/:\n')
    writeFileSync(join(layer, 'etc/group'), 'staff:x:50:\n')
    const owner = (text: string) => Object.values(resolveOwner(text, [layer])).join(':')
    assert.deepEqual(['joe', 'joe:staff', '9', '9:10', 'joe:3'].map(owner), ['7:8', '7:50', '9:9', '9:10', '7:3'])
    assert.throws(() => owner('nobody'), InvalidArgument)
    assert.throws(() => owner('a:b:c'), CopyFailed)
  })
})
