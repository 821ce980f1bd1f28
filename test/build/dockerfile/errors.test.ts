import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { expandAll, parse, refusal } from '../../support/dockerfiles.ts'

const message = (text: string) => refusal(() => parse(text)).message

describe('the message about a bad Dockerfile', () => {
  it('quotes the lines around, and points at the words', () => {
    assert.equal(
      message('FROM busybox\n\nRUN echo 1\n  COPPY a /b\nUSER x\nUSER y\nUSER z\n'),
      `dockerfile parse error on line 4: unknown instruction: COPPY (did you mean COPY?)
Dockerfile:4:3
  2 |
  3 | RUN echo 1
> 4 |   COPPY a /b
    |   ^^^^^
  5 | USER x
  6 | USER y`,
    )
  })

  it('points into the line of an instruction that is meant', () => {
    assert.equal(
      message('FROM busybox\nCOPY --from=x \\\n  --chwon=1 \\\n  a b\n'),
      `dockerfile parse error on line 2: unknown flag: --chwon (did you mean chown?)
Dockerfile:3:3
  1 | FROM busybox
> 2 | COPY --from=x \\
> 3 |   --chwon=1 \\
    |   ^^^^^^^
> 4 |   a b`,
    )
  })

  it('keeps tabs before the caret as they are', () => {
    assert.match(message('FROM x\n\tENV\ta=1 b'), /\n> 2 \| \tENV\ta=1 b\n {4}\| \t {3}\t {4}\^$/)
  })

  it('shows the part of a long line that matters', () => {
    const text = message(`FROM x\nENV a=1 ${'b=2 '.repeat(300_000)} c`)
    assert(text.length < 500, text)
    assert.match(text, /\n {4}\| {2,}\^/)
  })

  it('shows the ends of a long instruction', () => {
    const heredoc = `FROM x\nRUN <<E\n${'line\n'.repeat(1000)}`
    assert(message(heredoc).split('\n').length < 20)
  })

  it('shows control characters, and lets none through', () => {
    const text = message('FROM x\nRUN\u001b[31m \u202ey')
    assert(!text.includes('\u001b') && !text.includes('\u202e'), JSON.stringify(text))
    assert.match(text, /\\u001b\[31m/)
  })

  it('stands on the line of an instruction that fails later', () => {
    const error = refusal(() => expandAll('FROM scratch\nENV a=1\nWORKDIR /x/${a:?}${b:?set b}'))
    assert.match(error.message, /^dockerfile parse error on line 3: b: set b\n/)
    assert.equal(error.code, 'DOCKERFILE_INVALID')
    assert.equal(error.exitCode, 1)
  })
})
