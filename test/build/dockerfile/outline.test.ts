import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { outlineOf } from '../../../src/build/dockerfile/outline.ts'
import { parseDockerfile } from '../../../src/build/dockerfile/parse.ts'
import { planStages } from '../../../src/build/dockerfile/stages.ts'
import { hostPlatform } from '../../../src/images/platform.ts'

const outline = (text: string, buildArgs = new Map<string, string>()) => {
  const platform = hostPlatform()
  const dockerfile = parseDockerfile(Buffer.from(text), 'Dockerfile')
  const options = { buildArgs, targetPlatform: platform, buildPlatform: platform, contexts: [] }
  return outlineOf(planStages(dockerfile, options), buildArgs)
}

describe('outlineOf', () => {
  it('takes names of arguments for what they are, whatever they mean in a pattern', () => {
    const { args } = outline('ARG a(=1\nARG b=2\nFROM scratch\nARG b\n')
    assert.deepEqual(
      args.map(({ name }) => name),
      ['b'],
    )
  })

  it('reads the keys of mounts as RUN does, in either case', () => {
    const { lent } = outline('FROM scratch\nRUN --mount=TYPE=Secret,ID=token,Required=true true\n')
    assert.deepEqual(
      lent.map(({ type, id, required }) => ({ type, id, required })),
      [{ type: 'secret', id: 'token', required: true }],
    )
  })
})
