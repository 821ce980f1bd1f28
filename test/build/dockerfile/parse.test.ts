import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { foreignSyntax } from '../../../src/build/dockerfile/directives.ts'
import { parseDockerfile, parseTrigger } from '../../../src/build/dockerfile/parse.ts'
import { parse, parseOne, refusal } from '../../support/dockerfiles.ts'

/** Each instruction on one line, as history shows it. */
function codes(text: string): readonly string[] {
  return parse(text).stages.flatMap(({ from, instructions }) => [from.code, ...instructions.map(({ code }) => code)])
}

describe('the lines of a Dockerfile', () => {
  for (const [promise, text, expected] of [
    ['joins continued lines', 'FROM scratch\nRUN a \\\n  b\\\n c', ['FROM scratch', 'RUN a   b c']],
    ['lets blanks and tabs stand behind the backslash', 'FROM scratch\nRUN a \\ \t\nb', ['FROM scratch', 'RUN a b']],
    [
      'does not continue behind an escaped backslash',
      'FROM scratch\nRUN a \\\\\nUSER b',
      ['FROM scratch', 'RUN a \\\\', 'USER b'],
    ],
    [
      'drops comments, between continued lines as well',
      '# x\nFROM scratch\nRUN a \\\n  # no\n#\n  b',
      ['FROM scratch', 'RUN a   b'],
    ],
    ['keeps what looks like a comment behind words', 'FROM scratch\nRUN a # b', ['FROM scratch', 'RUN a # b']],
    ['goes over empty lines between continued ones', 'FROM scratch\nRUN a \\\n\n\nb', ['FROM scratch', 'RUN a b']],
    [
      'reads carriage returns as part of the line end',
      'FROM scratch\r\nRUN a \\\r\n b\r\n',
      ['FROM scratch', 'RUN a  b'],
    ],
    ['drops a byte order mark', '\ufeffFROM scratch', ['FROM scratch']],
    ['takes instructions in any case, with blanks before them', '  fRoM scratch\n\tuser x', ['fRoM scratch', 'user x']],
    ['ends a continuation at the end of the file', 'FROM scratch\nRUN a \\', ['FROM scratch', 'RUN a']],
    ['reads nothing from a backslash alone at the end', 'FROM scratch\n\\\n', ['FROM scratch']],
    [
      'continues with another character when told',
      '# escape=`\nFROM scratch\nRUN a `\n b \\',
      ['FROM scratch', 'RUN a  b \\'],
    ],
  ] as const)
    it(promise, () => {
      assert.deepEqual(codes(text), expected)
    })

  it('numbers the lines of an instruction from its first to its last', () => {
    const [stage] = parse('# c\nFROM scratch\n\nRUN a \\\n b\nRUN <<E\nx\nE\n').stages
    assert.deepEqual(
      [stage?.from, ...(stage?.instructions ?? [])].map((one) => one?.lines),
      [
        { start: 2, end: 2 },
        { start: 4, end: 5 },
        { start: 6, end: 8 },
      ],
    )
  })

  it('gives an instruction the block of comments right above it', () => {
    const { globals, stages } = parse('# old\n\n#  one \n# two\nARG a\n# x\n#\nFROM scratch')
    assert.deepEqual([globals[0]?.comments, stages[0]?.from.comments], [['one', 'two'], []])
  })

  it('remembers which instructions are continued over an empty line', () => {
    assert.deepEqual(parse('FROM scratch\nRUN a \\\n\n b\nRUN c\n').emptyContinuations, [{ start: 2, end: 4 }])
  })

  it('lets a comment be in any encoding, and nothing else', () => {
    const latin = (text: string) => Buffer.from(text, 'latin1')
    assert.equal(parseDockerfile(latin('# caf\xe9\nFROM scratch\n')).stages.length, 1)
    assert.match(refusal(() => parseDockerfile(latin('FROM scratch\nRUN caf\xe9\n'))).message, /line 2: invalid UTF-8/)
    assert.match(
      refusal(() => parseDockerfile(latin('FROM scratch\nRUN <<E\n# caf\xe9\nE\n'))).message,
      /line 3: invalid UTF-8/,
    )
  })
})

describe('a NUL character', () => {
  it('is harmless in a comment, and nowhere else', () => {
    assert.equal(parse('# \0\nFROM scratch').stages.length, 1)
    assert.equal(refusal(() => parse('FROM scratch\nENV a=\0')).problem, 'a NUL character')
  })
})

describe('parser directives', () => {
  it('are read at the top, in any case and with blanks', () => {
    const { directives } = parse(
      '#SYNTAX = docker/dockerfile:1 and more\n# escape=`\n# check=skip=A, ;error=true\nFROM scratch',
    )
    assert.deepEqual(directives, {
      syntax: 'docker/dockerfile:1',
      escape: '`',
      check: { skip: ['A', ''], error: false, experimental: [] },
    })
  })

  it('name the frontend, which may be a foreign one', () => {
    const foreign = (syntax: string) => foreignSyntax(parse(`# syntax=${syntax}\nFROM scratch`).directives)
    for (const own of ['docker/dockerfile', 'docker/dockerfile:1.7-labs', 'docker.io/docker/dockerfile@sha256:0'])
      assert.equal(foreign(own), undefined)
    for (const other of ['docker/dockerfiles:1', 'example.com/docker/dockerfile:1', 'mine'])
      assert.equal(foreign(other), other)
  })

  it('stand behind a line for the kernel', () => {
    assert.equal(parse('#!/usr/bin/env build\n# escape=`\nFROM scratch').directives.escape, '`')
  })

  for (const [above, text] of [
    ['a comment', '# hello\n# escape=`\nFROM scratch'],
    ['an unknown one', '# unknown=x\n# escape=`\nFROM scratch'],
    ['an empty line', '\n# escape=`\nFROM scratch'],
    ['an instruction', 'FROM scratch\n# escape=`'],
  ] as const)
    it(`are comments below ${above}`, () => {
      assert.equal(parse(text).directives.escape, '\\')
    })

  for (const [text, problem] of [
    ['# escape=x\nFROM scratch', "invalid escape token 'x' does not match ` or \\"],
    ['# escape=`\n# ESCAPE=`\nFROM scratch', 'only one escape parser directive can be used'],
    ['# check=what\nFROM scratch', 'invalid check option "what"'],
    ['# check=error=maybe\nFROM scratch', 'failed to parse check option "error=maybe": invalid boolean'],
  ] as const)
    it(`are refused: ${problem}`, () => {
      assert.equal(refusal(() => parse(text)).problem, problem)
    })
})

describe('heredocs', () => {
  const heredocsOf = (text: string) =>
    parseOne('RUN', text).heredocs.map(({ name, expand, chomp, fileDescriptor, content }) => [
      name,
      expand,
      chomp,
      fileDescriptor,
      content,
    ])

  for (const [promise, text, expected] of [
    ['hold everything up to their name', 'RUN <<E\n# a\n\nb \\\nE', [['E', true, false, 0, '# a\n\nb \\\n']]],
    [
      'are not to be expanded when a part of the name is quoted',
      `RUN <<E"O"'F'\nx\nEOF`,
      [['EOF', false, false, 0, 'x\n']],
    ],
    ['end at a name behind tabs with a dash', 'RUN <<-E\n\tx\n\t\tE', [['E', true, true, 0, '\tx\n']]],
    ['have a number', 'RUN cat 3<<E\nx\nE', [['E', true, false, 3, 'x\n']]],
    [
      'follow each other',
      'RUN cat <<A <<B\na\nA\nb\nB',
      [
        ['A', true, false, 0, 'a\n'],
        ['B', true, false, 0, 'b\n'],
      ],
    ],
    ['may be empty', 'RUN <<E\nE', [['E', true, false, 0, '']]],
    ['have blanks before their name', 'RUN << \t E\nx\nE', [['E', true, false, 0, 'x\n']]],
    ['keep carriage returns', 'RUN <<E\r\nx\r\nE\r\n', [['E', true, false, 0, 'x\r\n']]],
    ['stand behind quotes', `RUN echo '' "" 'a' "\\"" <<E\nE`, [['E', true, false, 0, '']]],
    ['are none behind a quote that is not closed', `RUN echo ' <<E`, []],
    ['are none inside of quotes', `RUN echo '<<A' "<<B"`, []],
    ['are none when they are strings for a shell', 'RUN cat <<<E', []],
    ['are none glued to a word', 'RUN echo a<<E', []],
    ['are none in exec form', 'RUN ["a", "<<E"]', []],
  ] as const)
    it(promise, () => {
      assert.deepEqual(heredocsOf(text), expected)
    })

  it('are files for COPY and ADD, in the order of the line', () => {
    const copy = parseOne('COPY', 'COPY a <<b "<<c" <<-d /x/\n1\nb\n\t2\n\td')
    assert.deepEqual(copy.sources, ['a', '"<<c"'])
    assert.deepEqual(
      copy.files.map(({ name, content }) => [name, content]),
      [
        ['b', '1\n'],
        ['d', '\t2\n'],
      ],
    )
  })

  it('belong to the trigger of an ONBUILD', () => {
    const { trigger, instruction, lines } = parseOne('ONBUILD', 'ONBUILD COPY <<-a /x\n\t1\n\ta')
    assert.equal(trigger, 'COPY <<-a /x\n\t1\na')
    assert.deepEqual(instruction.lines, lines)
    assert.deepEqual(parseTrigger(trigger, 'base').kind, 'COPY')
  })

  it('must end', () => {
    const error = refusal(() => parse('FROM scratch\nRUN <<-EOF\nx\nUSER y\n'))
    assert.equal(error.problem, 'unterminated heredoc')
    assert.equal(error.hint, 'end it with a line that holds nothing but EOF')
  })

  it('are files without slashes in their names', () => {
    for (const text of ['COPY <<../x /a/\n../x', 'ADD <<".." /a/\n..', 'RUN <<a/b\n#!/bin/x\na/b'])
      assert.match(refusal(() => parse(`FROM scratch\n${text}\n`)).problem, /^a heredoc named ".*" makes no file$/)
    assert.deepEqual(heredocsOf('RUN <<a/b\nx\na/b')[0]?.[0], 'a/b')
  })

  it('are no destination', () => {
    assert.match(
      refusal(() => parse('FROM scratch\nCOPY a <<b\nb\n')).problem,
      /cannot accept a heredoc as a destination/,
    )
  })
})

describe('the stages of a Dockerfile', () => {
  it('begin at FROM and have their number and lower-case name', () => {
    const { stages, globals } = parse('ARG a\nARG b=1 c\nFROM x AS One\nRUN a\nFROM one as two\nFROM three')
    assert.deepEqual(
      stages.map(({ index, name, instructions }) => [index, name, instructions.length]),
      [
        [0, 'one', 1],
        [1, 'two', 0],
        [2, undefined, 0],
      ],
    )
    assert.deepEqual(
      globals.map(({ args }) => args),
      [[{ name: 'a' }], [{ name: 'b', value: '1' }, { name: 'c' }]],
    )
  })

  for (const [text, problem] of [
    ['', 'the Dockerfile cannot be empty'],
    ['# only\n\n', 'file with no instructions'],
    ['ARG a', 'dockerfile contains no stages to build'],
    ['ARG a\nRUN b\nFROM scratch', 'no build stage in current context'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a AS b c', 'FROM requires either one or three arguments'],
    ['FROM a AS 1', `invalid name for build stage: "1", name can't start with a number or contain symbols`],
    ['FROM scratch\n'.repeat(1001), 'more than 1000 stages'],
  ] as const)
    it(`are refused: ${problem}${text.length < 40 ? ` (${JSON.stringify(text)})` : ''}`, () => {
      assert.equal(refusal(() => parse(text)).problem, problem)
    })
})

describe('triggers of a base image', () => {
  it('are parsed like the instruction they are', () => {
    const trigger = parseTrigger('COPY --from=0 --chown=1 a b /c/', 'base:1')
    assert(trigger.kind === 'COPY')
    assert.deepEqual([trigger.from, trigger.sources, trigger.destination], ['0', ['a', 'b'], '/c/'])
  })

  for (const text of ['RUN a\nRUN b', 'FROM x', 'ONBUILD RUN x', 'MAINTAINER x', '# nothing', 'FOO'])
    it(`are not ${JSON.stringify(text)}`, () => {
      assert.match(refusal(() => parseTrigger(text, 'base:1')).message, /ONBUILD of base:1:1:/)
    })
})
