import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { outlineOf } from '../../../src/build/dockerfile/outline.ts'
import { parseDockerfile } from '../../../src/build/dockerfile/parse.ts'
import { planStages } from '../../../src/build/dockerfile/stages.ts'
import { hostPlatform } from '../../../src/images/platform.ts'

describe('outlineOf', () => {
  it('takes names of arguments for what they are, whatever they mean in a pattern', () => {
    const dockerfile = parseDockerfile(Buffer.from('ARG a(=1\nARG b=2\nFROM scratch\nARG b\n'), 'Dockerfile')
    const buildArgs = new Map<string, string>()
    const platform = hostPlatform()
    const plan = planStages(dockerfile, { buildArgs, targetPlatform: platform, buildPlatform: platform, contexts: [] })
    assert.deepEqual(
      outlineOf(plan, buildArgs).args.map(({ name }) => name),
      ['b'],
    )
  })
})
