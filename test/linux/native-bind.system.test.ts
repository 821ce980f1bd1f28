import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'mocha'
import type { ChildStep } from '../../src/linux/plan.ts'
import { type Bind, bind, describeNative, makeScratch, optionsFor, planFor, runPlan, shell } from '../support/native.ts'

describeNative('binds of parts, and with other ids', (native) => {
  const run = async (make: (directory: string) => ChildStep, script: string) => {
    const scratch = await makeScratch()
    const source = join(scratch.directory, 'source')
    mkdirSync(join(source, 'a/b'), { recursive: true })
    writeFileSync(join(source, 'a/b/file'), 'deep')
    symlinkSync('a/b', join(source, 'inner'))
    symlinkSync('/etc', join(source, 'outer'))
    symlinkSync('../../..', join(source, 'up'))
    symlinkSync('loop', join(source, 'loop'))
    chownSync(join(source, 'a/b/file'), 1234, 4321)
    const plan = planFor(scratch, { mounts: [make(source)], exec: shell(script) })
    return { source, ...(await runPlan(optionsFor(scratch, plan, { native: native() }))) }
  }
  const part =
    (within: string, more: Partial<Bind> = {}) =>
    (source: string) =>
      bind(source, '/d', { within, ...more })

  it('shows a directory or a file below the source, through links that stay there', async () => {
    assert.equal((await run(part('a/b'), 'cat /d/file')).stdout, 'deep')
    assert.equal((await run(part('inner/file'), 'cat /d')).stdout, 'deep')
  })

  for (const [within, reason] of [
    ['outer', /it leads out of the volume/],
    ['outer/passwd', /it leads out of the volume/],
    ['up', /it leads out of the volume/],
    ['../source', /it leads out of the volume/],
    ['/etc', /it leads out of the volume/],
    ['loop', /Too many levels of symbolic links/],
    ['a/b/file/x', /Not a directory/],
    ['missing', /No such file or directory/],
  ] as const)
    it(`refuses ${within}`, async () => {
      await assert.rejects(run(part(within), 'true'), { code: 'LAUNCH_FAILED', message: reason })
    })

  const idMap = (files: number, shown: number) => ({
    uids: [{ inside: files, outside: shown, size: 1 }],
    gids: [{ inside: 4321, outside: 7, size: 1 }],
  })

  it('shows ids as others, and stores what others make as theirs', async function () {
    const script = 'stat -c %u:%g /d/b/file; stat -c %u /d/b'
    const { stdout } = await run(part('a', { idMap: idMap(1234, 5) }), script).catch((error: Error) => {
      if (!/cannot map ids/.test(error.message)) throw error
      console.log('skipped: the file system of this host cannot map ids')
      return this.skip()
    })
    assert.equal(stdout, '5:7\n65534\n')
  })

  it('refuses maps that the kernel does', async () => {
    const twice = { inside: 1, outside: 1, size: 2 }
    const bad = { uids: [twice, twice], gids: [twice] }
    await assert.rejects(run(part('a', { idMap: bad }), 'true'), { code: 'LAUNCH_FAILED', message: /uid_map/ })
  })

  it('keeps changes of an overlay out of its source', async () => {
    const { source, stdout } = await run((from) => {
      for (const name of ['upper', 'work']) mkdirSync(join(from, '..', name, 'of-overlay'), { recursive: true })
      const [upper, work] = ['upper', 'work'].map((name) => join(from, '..', name, 'of-overlay'))
      return { do: 'overlay', target: '/d', lower: [from], upper: upper ?? '', work: work ?? '', options: [] }
    }, 'rm /d/inner; echo new >/d/made; cat /d/a/b/file')
    assert.equal(stdout, 'deep')
    assert.deepEqual(readdirSync(source).sort(), ['a', 'inner', 'loop', 'outer', 'up'])
    assert.equal(readFileSync(join(source, '../upper/of-overlay/made'), 'utf8'), 'new\n')
    assert.ok(statSync(join(source, 'a/b/file')).size === 4)
  })
})
