import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { cachedFilter } from '../../../src/linux/seccomp/cache.ts'
import { compileSeccomp } from '../../../src/linux/seccomp/compile.ts'
import { defaultProfile } from '../../../src/linux/seccomp/default-profile.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const spec = { ...defaultProfile([]), flags: ['SECCOMP_FILTER_FLAG_LOG'] }
const compiled = compileSeccomp(spec)

async function filledCache(): Promise<{ directory: string; file: string }> {
  const directory = await scratchDirectory()
  await cachedFilter(spec, directory)
  const [name, ...others] = readdirSync(directory)
  assert(name !== undefined && others.length === 0)
  return { directory, file: join(directory, name) }
}

describe('cachedFilter', () => {
  it('answers from its file what it compiled', async () => {
    const { directory, file } = await filledCache()
    const before = readFileSync(file)
    const { program, flags } = await cachedFilter(spec, directory)
    assert.deepEqual([Buffer.from(program), flags], [Buffer.from(compiled.program), compiled.flags])
    assert.deepEqual(readFileSync(file), before)
  })

  it('keeps a file for each profile', async () => {
    const { directory } = await filledCache()
    await cachedFilter(defaultProfile(['CAP_SYS_ADMIN']), directory)
    assert.equal(readdirSync(directory).length, 2)
  })

  it('compiles anew when the file was cut, changed or emptied', async () => {
    const { directory, file } = await filledCache()
    const good = readFileSync(file)
    const changed = Buffer.from(good)
    changed.writeUInt8(good.readUInt8(20) ^ 1, 20)
    for (const damaged of [good.subarray(0, -1), good.subarray(8), changed, Buffer.alloc(0), Buffer.alloc(36)]) {
      writeFileSync(file, damaged)
      const { program } = await cachedFilter(spec, directory)
      assert.deepEqual(Buffer.from(program), Buffer.from(compiled.program))
      assert.deepEqual(readFileSync(file), good)
    }
  })

  it('compiles where nothing can be kept', async () => {
    const { program } = await cachedFilter(spec, '/dev/null/cache')
    assert.deepEqual(program, compiled.program)
  })

  it('takes values of 64 bits', async () => {
    const args = [{ index: 0, value: 2n ** 63n, op: 'SCMP_CMP_EQ' }]
    const big = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args }] }
    const { program } = await cachedFilter(big, await scratchDirectory())
    assert.deepEqual(program, compileSeccomp(big).program)
  })
})
