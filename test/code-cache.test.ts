import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { codeCache } from '../src/code-cache.ts'
import { scratchDirectory } from './support/scratch.ts'

describe('the cache of compiled code', () => {
  let root = ''
  let before: string | undefined
  beforeEach(async () => {
    before = process.env['CORACLE_ROOT']
    root = join(await scratchDirectory(), 'root')
    mkdirSync(root)
    process.env['CORACLE_ROOT'] = root
  })
  afterEach(() => {
    if (before === undefined) delete process.env['CORACLE_ROOT']
    else process.env['CORACLE_ROOT'] = before
  })
  const files = () => readdirSync(join(root, 'cache')).sort()

  it('gives back what was stored, to the same command of the same build', () => {
    codeCache('/dist/program-1.js', ['run', 'busybox']).store(Buffer.from('compiled'))
    assert.equal(codeCache('/dist/program-1.js', ['run', 'alpine']).data?.toString(), 'compiled')
    assert.equal(codeCache('/dist/program-1.js', ['ps']).data, undefined)
    assert.equal(codeCache('/dist/program-2.js', ['run']).data, undefined)
  })

  it('makes no names of what users type', () => {
    codeCache('/dist/program-1.js', ['../../evil']).store(Buffer.from('compiled'))
    assert.deepEqual(files(), [`program-1-${process.version}-other`])
  })

  it('lets go of the code of other builds, and of nothing else', () => {
    mkdirSync(join(root, 'cache/seccomp'), { recursive: true, mode: 0o700 })
    chmodSync(join(root, 'cache'), 0o700)
    writeFileSync(join(root, 'cache/program-0-v1-run'), '')
    codeCache('/dist/program-1.js', ['run']).store(Buffer.from('compiled'))
    assert.deepEqual(files(), [`program-1-${process.version}-run`, 'seccomp'])
  })

  it('runs nothing that somebody else may have written', () => {
    const { store } = codeCache('/dist/program-1.js', ['run'])
    store(Buffer.from('compiled'))
    chmodSync(join(root, 'cache'), 0o777)
    assert.equal(codeCache('/dist/program-1.js', ['run']).data, undefined)
    rmSync(join(root, 'cache', `program-1-${process.version}-run`))
    store(Buffer.from('compiled'))
    assert.deepEqual(files(), [])
  })

  it('makes no data root again that is gone', () => {
    rmSync(root, { recursive: true })
    codeCache('/dist/program-1.js', ['run']).store(Buffer.from('compiled'))
    assert(!existsSync(root))
  })
})
