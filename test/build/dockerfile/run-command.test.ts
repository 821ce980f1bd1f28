import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { runCommand } from '../../../src/build/dockerfile/run-command.ts'
import { parseOne } from '../../support/dockerfiles.ts'

const run = (text: string) => runCommand(parseOne('RUN', text), ['/bin/sh', '-c'])

describe('what RUN executes', () => {
  for (const [name, text, args] of [
    ['the words of an array', 'RUN ["a", "b c"]', ['a', 'b c']],
    ['a line by the shell', 'RUN a  b', ['/bin/sh', '-c', 'a  b']],
    ['a heredoc alone by the shell', 'RUN <<E\na\nb\nE', ['/bin/sh', '-c', 'a\nb\n']],
    ['a heredoc without its tabs', 'RUN <<-E\n\ta\n\tE', ['/bin/sh', '-c', 'a\n']],
    [
      'any other heredoc as the shell reads it',
      'RUN a <<E - <<"F"\n1\nE\n2\nF',
      ['/bin/sh', '-c', 'a <<E - <<"F"\n1\nE\n2\nF'],
    ],
    ['tabs of such a heredoc as well', 'RUN a <<-E\n\t1\n\tE', ['/bin/sh', '-c', 'a <<-E\n\t1\nE']],
  ] as const)
    it(`is ${name}`, () => {
      assert.deepEqual(run(text), { args, script: undefined })
    })

  it('is a program of its own where the heredoc names its interpreter', () => {
    assert.deepEqual(run('RUN <<-EOF\n\t#!/usr/bin/env python3\n\tprint(1)\n\tEOF'), {
      args: ['/bin/sh', '-c', '/dev/pipes/EOF'],
      script: { path: '/dev/pipes/EOF', content: '#!/usr/bin/env python3\nprint(1)\n' },
    })
  })
})
