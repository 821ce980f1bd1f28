import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parse, parseOne, refusal } from '../../support/dockerfiles.ts'

describe('ENV, LABEL and ARG', () => {
  for (const [text, expected] of [
    ['ENV a=1', [['a', '1']]],
    [
      'ENV a=1 b= c="x y" d=x\\ y',
      [
        ['a', '1'],
        ['b', ''],
        ['c', '"x y"'],
        ['d', 'x\\ y'],
      ],
    ],
    [
      `ENV a='it''s' b="a\\"b"`,
      [
        ['a', `'it''s'`],
        ['b', `"a\\"b"`],
      ],
    ],
    ['ENV a=b=c', [['a', 'b=c']]],
    ['ENV a="x y', [['a', '"x y']]],
    [
      'ENV a=1 \\\n\n b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['ENV a=1\\\\', [['a', '1\\\\']]],
  ] as const)
    it(`are pairs in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(
        parseOne('ENV', text).pairs.map(({ key, value }) => [key, value]),
        expected,
      )
    })

  it('take the rest of the line as value in the old form', () => {
    assert.deepEqual(parseOne('ENV', 'ENV a  b = "c d" ').pairs, [{ key: 'a', value: 'b = "c d"', legacy: true }])
    assert.deepEqual(parseOne('LABEL', 'LABEL a b').pairs, [{ key: 'a', value: 'b', legacy: true }])
  })

  it('declare any number of arguments', () => {
    assert.deepEqual(parseOne('ARG', 'ARG a b= c="x y" d').args, [
      { name: 'a' },
      { name: 'b', value: '' },
      { name: 'c', value: '"x y"' },
      { name: 'd' },
    ])
  })

  for (const [text, problem] of [
    ['ENV', 'ENV requires at least one argument'],
    ['ENV a', 'ENV must have two arguments'],
    ['LABEL a=1 b', `Syntax error - can't find = in "b". Must be of the form: name=value`],
    ['ENV =1', 'ENV names can not be blank'],
    ['ARG', 'ARG requires at least one argument'],
    ['ARG =1', 'ARG names can not be blank'],
    ['ENV --x a=1', 'unknown flag: --x'],
  ] as const)
    it(`are refused: ${text}`, () => {
      assert.equal(refusal(() => parseOne('ENV', text)).problem, problem)
    })
})

describe('command lines', () => {
  for (const [text, expected] of [
    ['CMD ["a", "b c"]', { form: 'exec', args: ['a', 'b c'] }],
    ['CMD [ "\\u0061" ] ', { form: 'exec', args: ['a'] }],
    ['CMD []', { form: 'exec', args: [] }],
    ['CMD a  "b" ', { form: 'shell', text: 'a  "b"' }],
    ["CMD ['a']", { form: 'shell', text: "['a']" }],
    ['CMD ["a"', { form: 'shell', text: '["a"' }],
    ['CMD ["a"] x', { form: 'shell', text: '["a"] x' }],
    ['CMD', { form: 'shell', text: '' }],
  ] as const)
    it(`are ${expected.form} form in ${text}`, () => {
      assert.deepEqual(parseOne('CMD', text).command, expected)
    })

  it('are arrays of strings or no arrays', () => {
    assert.match(refusal(() => parseOne('CMD', 'CMD ["a", 1]')).problem, /arrays must be comprised of strings only/)
  })

  it('hold no NUL', () => {
    assert.equal(refusal(() => parseOne('CMD', String.raw`CMD ["a\u0000"]`)).problem, 'a NUL character')
  })

  it('are JSON for SHELL', () => {
    assert.deepEqual(parseOne('SHELL', 'SHELL ["a","-c"]').args, ['a', '-c'])
    assert.match(refusal(() => parseOne('SHELL', 'SHELL a -c')).problem, /requires the arguments to be in JSON form/)
    assert.match(refusal(() => parseOne('SHELL', 'SHELL []')).problem, /at least one argument/)
  })
})

describe('RUN', () => {
  it('has its flags before the command', () => {
    const run = parseOne(
      'RUN',
      'RUN --mount=type=tmpfs,target=/t --network=none --mount=target=/b --security=insecure -- --x a',
    )
    assert.deepEqual(run.mounts, ['type=tmpfs,target=/t', 'target=/b'])
    assert.deepEqual([run.network, run.security], ['none', 'insecure'])
    assert.deepEqual(run.command, { form: 'shell', text: '--x a' })
  })

  it('takes quotes and escapes out of flags', () => {
    assert.deepEqual(parseOne('RUN', `RUN --mount="target=/a b"',ro' x`).mounts, ['target=/a b,ro'])
    assert.deepEqual(parseOne('RUN', 'RUN --mount=target=/é\\ b x').mounts, ['target=/é b'])
  })

  for (const [text, problem] of [
    ['RUN --network=bridge x', 'invalid network mode "bridge"'],
    ['RUN --security=off x', 'invalid security mode "off"'],
    ['RUN --nework=none x', 'unknown flag: --nework (did you mean network?)'],
    ['RUN --network=none --network=host x', 'duplicate flag specified: --network'],
    ['RUN --network x', 'missing a value on flag: --network'],
    ['RUN --mount=from=$x,target=/ x', "'from' doesn't support variable expansion, define alias stage instead"],
    ['RUN --mount=typ=bind x', "unexpected key 'typ' (did you mean type?)"],
  ] as const)
    it(`is refused: ${text}`, () => {
      assert.equal(refusal(() => parseOne('RUN', text)).problem, problem)
    })
})

describe('COPY and ADD', () => {
  it('have sources, a destination and flags', () => {
    const { lines, code, keyword, comments, ...copy } = parseOne(
      'COPY',
      'COPY --from=x --chown=a:b --chmod=u=rwX --link --parents=false --exclude=*.o --exclude=b a/* b /c/',
    )
    assert.deepEqual(copy, {
      kind: 'COPY',
      from: 'x',
      chown: 'a:b',
      chmod: 'u=rwX',
      link: true,
      parents: false,
      exclude: ['*.o', 'b'],
      sources: ['a/*', 'b'],
      files: [],
      destination: '/c/',
    })
  })

  it('know nothing of what is not said', () => {
    const { lines, code, keyword, comments, ...add } = parseOne('ADD', 'ADD ["a b", "c"]')
    assert.deepEqual(add, { kind: 'ADD', link: false, exclude: [], sources: ['a b'], files: [], destination: 'c' })
  })

  it('have flags of their own', () => {
    const add = parseOne('ADD', 'ADD --checksum=sha256:$x --keep-git-dir --unpack=FALSE https://x/y /z')
    assert.deepEqual([add.checksum, add.keepGitDir, add.unpack], ['sha256:$x', true, false])
  })

  for (const [text, problem] of [
    ['COPY a', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['ADD', 'ADD requires at least two arguments, but only none was provided. Destination could not be determined'],
    ['COPY --checksum=x a b', 'unknown flag: --checksum'],
    ['ADD --from=x a b', 'unknown flag: --from'],
    ['COPY --from=$x a b', 'variable expansion is not supported for --from'],
    ['COPY --link=maybe a b', 'expecting boolean value for flag --link, not: maybe'],
    ['COPY --link= a b', 'missing a value on flag: --link'],
  ] as const)
    it(`are refused: ${text}`, () => {
      assert.equal(refusal(() => parse(`FROM scratch\n${text}`)).problem, problem)
    })
})

describe('HEALTHCHECK', () => {
  it('is a command with times in nanoseconds', () => {
    const { check } = parseOne(
      'HEALTHCHECK',
      'HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0s --start-interval=2s --retries=4 CMD ["a"]',
    )
    assert.deepEqual(check, {
      command: { form: 'exec', args: ['a'] },
      interval: 90e9,
      timeout: 5e8,
      startPeriod: 0,
      startInterval: 2e9,
      retries: 4,
    })
  })

  it('is none', () => {
    assert.equal(parseOne('HEALTHCHECK', 'HEALTHCHECK none').check, 'none')
  })

  for (const [text, problem] of [
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK curl x', 'Unknown type "CURL" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK --interval=1us CMD x', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --timeout=soon CMD x', 'invalid duration "soon" for --timeout'],
    ['HEALTHCHECK --retries=-1 CMD x', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --retries=9999999999 CMD x', 'invalid number "9999999999" for --retries'],
    ['HEALTHCHECK --retrys=1 CMD x', 'unknown flag: --retrys (did you mean retries?)'],
  ] as const)
    it(`is refused: ${text}`, () => {
      assert.equal(refusal(() => parseOne('HEALTHCHECK', text)).problem, problem)
    })
})

describe('instructions that only change the config', () => {
  it('take the whole rest as one argument', () => {
    assert.equal(parseOne('WORKDIR', 'WORKDIR /a b ').path, '/a b')
    assert.equal(parseOne('USER', 'USER a:b').user, 'a:b')
    assert.equal(parseOne('STOPSIGNAL', 'STOPSIGNAL SIGINT').signal, 'SIGINT')
    assert.equal(parseOne('MAINTAINER', 'MAINTAINER A B <c>').maintainer, 'A B <c>')
  })

  it('are lists', () => {
    assert.deepEqual(parseOne('VOLUME', 'VOLUME /a  /b').paths, ['/a', '/b'])
    assert.deepEqual(parseOne('VOLUME', 'VOLUME ["/a b", " /c "]').paths, ['/a b', '/c'])
    assert.deepEqual(parseOne('EXPOSE', 'EXPOSE 90 80/udp $x').ports, ['$x', '80/udp', '90'])
  })

  for (const [text, problem] of [
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD from x', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD COPYY a b', 'unknown instruction: COPYY (did you mean COPY?)'],
    ['RUNN x', 'unknown instruction: RUNN (did you mean RUN?)'],
    ['XYZZY', 'unknown instruction: XYZZY'],
  ] as const)
    it(`are refused: ${text}`, () => {
      assert.equal(refusal(() => parse(`FROM scratch\n${text}`)).problem, problem)
    })
})
