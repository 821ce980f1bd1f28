import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { compile, compiledPath, loadCompiled } from '../../src/sandbox/compiled.ts'

const PROGRAM = `let calls = 0
exports.count = () => ++calls
exports.again = () => require(__filename).count()
exports.later = () => import('node:path').then(({ sep }) => sep)
`

interface Counter {
  count(): number
  again(): number
  later(): Promise<string>
}

describe('a program with its compiled code', () => {
  let directory: string
  let path: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coracle-compiled-'))
    path = join(directory, 'program.js')
    writeFileSync(path, PROGRAM)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('runs with code that V8 takes', () => {
    execFileSync(process.execPath, [join(packageRoot, 'scripts/compile-runner.ts'), path])
    writeFileSync(
      join(directory, 'look.mjs'),
      `import { readFileSync } from 'node:fs'
      import { compile } from ${JSON.stringify(join(packageRoot, 'src/sandbox/compiled.ts'))}
      const path = ${JSON.stringify(path)}
      process.stdout.write(String(compile(path, readFileSync(path + '.code')).cachedDataRejected))`,
    )
    const look = (...flags: string[]) =>
      execFileSync(process.execPath, [...flags, join(directory, 'look.mjs')], { encoding: 'utf8' })
    assert.equal(look(), 'false')
    assert.equal(look('--no-opt'), 'true')
  })

  it('runs all the same with code of another program, with damaged code, and with none', () => {
    for (const code of [undefined, Buffer.from('not code'), compile(path).createCachedData().subarray(0, 100)]) {
      if (code !== undefined) writeFileSync(compiledPath(path), code)
      assert.equal((loadCompiled(path) as Counter).count(), 1)
    }
  })

  it('is the same to whoever requires it, and can import', async () => {
    const counter = loadCompiled(path) as Counter
    assert.equal(counter.count(), 1)
    assert.equal(counter.again(), 2)
    assert.equal((createRequire(path)(path) as Counter).count(), 3)
    assert.equal(await counter.later(), '/')
  })
})
