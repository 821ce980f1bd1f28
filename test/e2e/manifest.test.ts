import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../src/package-root.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('oclif.manifest.json', () => {
  it("is what oclif's own tool writes for the built commands", async () => {
    const copy = await scratchDirectory()
    copyFileSync(join(packageRoot, 'package.json'), join(copy, 'package.json'))
    cpSync(join(packageRoot, 'dist'), join(copy, 'dist'), { recursive: true })
    symlinkSync(join(packageRoot, 'node_modules'), join(copy, 'node_modules'))

    execFileSync(join(packageRoot, 'node_modules/.bin/oclif'), ['manifest'], { cwd: copy, stdio: 'ignore' })

    const read = (root: string) => JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as unknown
    assert.deepEqual(read(packageRoot), read(copy))
  })
})
