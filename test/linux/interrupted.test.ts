import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { Cancelled } from '../../src/errors.ts'
import { byteString, openApplier } from '../../src/linux/apply.ts'
import { readTree } from '../../src/linux/archive.ts'
import { openHold } from '../../src/linux/hold.ts'
import { recordTree } from '../support/tree-recorder.ts'

const ended = (how: string) => ({ argv: ['/bin/sh', '-c', how] as [string, ...string[]], env: {} })

describe('the native program, interrupted together with the command', () => {
  const jobs = {
    archive: (native: ReturnType<typeof ended>) =>
      readTree('/', byteString(''), { follow: false, sink: recordTree(), native }),
    apply: (native: ReturnType<typeof ended>) => openApplier('/', { native }).finish(),
    hold: (native: ReturnType<typeof ended>) => openHold([], { native }),
  }

  for (const [name, job] of Object.entries(jobs)) {
    for (const signal of ['HUP', 'INT', 'TERM'])
      it(`cancels ${name} by SIG${signal}`, () => assert.rejects(job(ended(`kill -${signal} $$`)), Cancelled))
    it(`is at fault when ${name} breaks off otherwise`, async () => {
      await assert.rejects(job(ended('kill -KILL $$')), (error) => !(error instanceof Cancelled))
      await assert.rejects(job(ended('exit 0')), (error) => !(error instanceof Cancelled))
    })
  }
})
