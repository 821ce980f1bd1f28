import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { buildFlags, formerBuildFlags, formerFlagWarnings } from '../../src/ui/build-flags.ts'
import { parseCommandLine } from '../../src/ui/command-line.ts'

const shape = { flags: { ...buildFlags, ...formerBuildFlags }, stopAtFirstArgument: false }
const warnings = (...words: string[]) => formerFlagWarnings(parseCommandLine([...words, '.'], shape).flags)

describe('flags of the builder before BuildKit', () => {
  it('are taken in silence where leaving them out changes nothing', () => {
    for (const flag of [
      '--rm',
      '--rm=false',
      '--force-rm',
      '--compress',
      '--disable-content-trust=false',
      '--squash=false',
    ])
      assert.deepEqual(warnings(flag), [], flag)
  })

  it('are named where they were meant to do something', () => {
    assert.match(warnings('-m', '100m', '-c', '512').join('\n'), /--cpu-shares is ignored: .*\n--memory is ignored: /)
    assert.match(warnings('--squash').join(), /^--squash is ignored/)
    assert.equal(warnings('--security-opt', 'a=b', '--security-opt', 'c=d').length, 1)
  })

  it('hide no flag that does something', () => {
    const chars = Object.values(shape.flags).flatMap(({ char }) => char ?? [])
    assert.deepEqual(chars, [...new Set(chars)])
    for (const name of Object.keys(formerBuildFlags)) assert(!Object.hasOwn(buildFlags, name), name)
  })
})
