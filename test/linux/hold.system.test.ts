import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, it } from 'mocha'
import { openHold } from '../../src/linux/hold.ts'
import type { ChildStep } from '../../src/linux/plan.ts'
import { bind, describeNative, eventually, type Native } from '../support/native.ts'
import { scratchDirectory } from '../support/scratch.ts'

describeNative('the hold job', (native: () => Native) => {
  let scratch = ''
  const at = (name: string) => join(scratch, name)
  const overlay = (): ChildStep => ({
    do: 'root-overlay',
    at: at('root'),
    lower: [at('lower')],
    upper: at('upper'),
    work: at('work'),
    options: [],
  })
  beforeEach(async () => {
    scratch = await scratchDirectory()
    for (const name of ['root', 'lower', 'upper', 'work', 'volume']) mkdirSync(at(name))
    writeFileSync(at('lower/f'), 'low')
    writeFileSync(at('volume/v'), 'volume')
  })

  it('mounts for those who know its pid, and for nobody else', async () => {
    await using hold = await openHold([overlay(), bind(at('volume'), '/in')], { native: native() })
    const root = `/proc/${hold.pid}/root${at('root')}`
    assert.equal(readFileSync(`${root}/f`, 'utf8'), 'low')
    assert.equal(readFileSync(`${root}/in/v`, 'utf8'), 'volume')
    writeFileSync(`${root}/g`, 'new')
    assert.equal(readFileSync(at('upper/g'), 'utf8'), 'new')
    assert(!existsSync(at('root/f')))
    assert(!readFileSync('/proc/self/mountinfo', 'utf8').includes(scratch))
  })

  it('ends with its owner’s interest, and takes the mounts along', async () => {
    const hold = await openHold([overlay()], { native: native() })
    await hold[Symbol.asyncDispose]()
    assert(!existsSync(`/proc/${hold.pid}`))
    rmSync(at('upper'), { recursive: true })
  })

  it('goes on without a mount that may fail, and says which other one did', async () => {
    const missing = bind(at('nothing'), '/in')
    {
      await using hold = await openHold([overlay(), { ...missing, optional: true }], { native: native() })
      assert(existsSync(`/proc/${hold.pid}/root${at('root')}/f`))
    }
    await assert.rejects(openHold([overlay(), missing], { native: native() }), /cannot mount the files .*nothing/)
  })

  it('runs a program when its owner ends without a word, and not after one', async () => {
    const then = (word: string) => {
      const [program, ...words] = native().argv
      const child = spawn(program, [...words, 'hold', 'then', '/bin/touch', at(`touched-${word}`)], {
        stdio: ['pipe', 'ignore', 'inherit'],
        env: { ...process.env, ...native().env },
      })
      child.stdin.end(word)
      return once(child, 'exit')
    }
    await Promise.all([then(''), then('.')])
    await eventually('the program has run', () => existsSync(at('touched-')))
    assert(!existsSync(at('touched-.')))
  })
})
