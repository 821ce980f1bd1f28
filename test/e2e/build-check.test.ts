import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'mocha'
import { type ContextFiles, writeContext } from '../support/build-context.ts'
import { type Coracle, type Outcome, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'

describe('build --check', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  afterEach(() => assert.deepEqual(coracle.leftovers(), []))
  after(() => coracle?.close())

  const build = (dockerfile: string, args: readonly string[], files: ContextFiles = {}): Outcome =>
    coracle.run(['build', ...args, writeContext(coracle.directory, { Dockerfile: dockerfile, ...files })])
  const images = () => coracle.output('images', '-q')

  it('points at what it finds, builds nothing, and fails', () => {
    const before = images()
    const { status, stdout } = build('FROM scratch AS Files\nCOPY a b /\nCMD serve\n', ['--check'], {
      '.dockerignore': 'b',
    })
    assert.equal(status, 1)
    assert.match(stdout, /^Check complete, 3 warnings have been found!\n\nWARNING: StageNameCasing - https:/)
    assert.match(stdout, /\n> 1 \| FROM scratch AS Files\n {4}\| {17}\^{5}\n/)
    assert.match(stdout, /\nWARNING: CopyIgnoredFile .*\nAttempting to Copy file "b" that is excluded/)
    assert.match(stdout, /\nWARNING: JSONArgsRecommended /)
    assert.equal(images(), before)
  })

  it('is content with a good file, without asking for its base', () => {
    const outcome = build('FROM nobody.invalid/nothing:1\nWORKDIR /x\nCOPY . .\nCMD ["a"]\n', ['--check'])
    assert.deepEqual([outcome.status, outcome.stdout], [0, 'Check complete, no warnings found.\n'])
  })

  it('gives programs a document', () => {
    const { stdout, status } = build('FROM scratch\nMAINTAINER a\n', ['--call', 'check,format=json'])
    const { warnings } = JSON.parse(stdout) as { warnings: readonly { ruleName: string }[] }
    assert.deepEqual([warnings.map(({ ruleName }) => ruleName), status], [['MaintainerDeprecated'], 1])
  })

  it('looks at the stages that are built, where a target is named', () => {
    const text = 'FROM scratch AS a\nCMD ["x"]\nFROM scratch AS b\nCMD y\n'
    assert.equal(build(text, ['--check', '--target', 'a']).status, 0)
    assert.equal(build(text, ['--check']).status, 1)
  })

  it('shows a mistake as a build does', () => {
    const { status, stderr } = build('FROM scratch\nCPY a b\n', ['--check'])
    assert.equal(status, 1)
    assert.match(stderr, /line 2: unknown instruction: CPY \(did you mean COPY\?\)\nDockerfile:2:1\n/)
  })

  it('tells what it has found before a mistake, and then the mistake', () => {
    const text = 'FROM scratch AS Files\nENV a b\nRUN <<E\nmake\nE\nCPY a b\nMAINTAINER after\n'
    const { status, stdout, stderr } = build(text, ['--check'])
    assert.equal(status, 1)
    assert.match(stdout, /^Check complete, 2 warnings have been found!\n\nWARNING: StageNameCasing/)
    assert.match(stdout, /\nWARNING: LegacyKeyValueFormat .*\n.*\nDockerfile:2:1\n/)
    assert.match(stderr, /^coracle: .*line 6: unknown instruction: CPY/)
    const told = JSON.parse(build(text, ['--call', 'check,format=json']).stdout) as {
      readonly warnings: readonly { readonly ruleName: string }[]
      readonly buildError: object
    }
    assert.deepEqual(
      told.warnings.map(({ ruleName }) => ruleName),
      ['StageNameCasing', 'LegacyKeyValueFormat'],
    )
    const location = { ranges: [{ start: { line: 6 }, end: { line: 6 } }] }
    assert.deepEqual(told.buildError, { message: 'unknown instruction: CPY (did you mean COPY?)', location })
    const late = build('FROM scratch AS a\nMAINTAINER me\nCOPY --from=9 / /\n', ['--check'])
    assert.match(late.stdout, /^Check complete, 1 warning has been found!\n\nWARNING: MaintainerDeprecated/)
    assert.match(late.stderr, /line 3/)
    for (const alone of ['CPY a b\nFROM scratch\n', '# only a comment\n', 'ARG A=1\nENV a b\n']) {
      const outcome = build(alone, ['--check'])
      assert.deepEqual([outcome.status, outcome.stdout], [1, ''], alone)
      const { buildError } = JSON.parse(build(alone, ['--call', 'check,format=json']).stdout) as typeof told
      assert.ok(buildError, alone)
    }
  })

  it('has company in a build, which ends with what was found', () => {
    const outcome = build('FROM scratch\nENV NAME=$nothing\n', ['--progress', 'plain', '--build-arg', 'odd=1'])
    assert.equal(outcome.status, 0, outcome.stderr)
    assert.match(
      outcome.stderr,
      / 1 warning found:\n - UndefinedVar: Usage of undefined variable '\$nothing' \(line 2\)/,
    )
    assert.match(outcome.stderr, /build-args \[odd\] were not consumed/)
  })

  it('refuses to build what the file wants to be an error', () => {
    const before = images()
    const text = 'FROM scratch\nENV API_KEY=1\n'
    const { status, stderr } = build(`# check=error=true\n${text}`, [])
    assert.deepEqual([status, images()], [1, before])
    assert.match(stderr, /lint violation found for rules: SecretsUsedInArgOrEnv/)
    const check = 'BUILDKIT_DOCKERFILE_CHECK=skip=all;error=true'
    assert.equal(build(text, ['--build-arg', check]).status, 0)
  })
})

describe('build --call', function () {
  this.timeout(60_000)
  let coracle: Coracle

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => coracle?.close())

  const call = (method: string): Outcome => {
    const dockerfile = '# base has all that is needed\nFROM scratch AS base\nFROM base\n'
    return coracle.run(['build', '--call', method, writeContext(coracle.directory, { Dockerfile: dockerfile })])
  }

  it('lists targets', () => {
    const { stdout } = call('targets')
    assert.equal(stdout, 'TARGET    DESCRIPTION\nbase      has all that is needed\n(default)\n')
    const { targets } = JSON.parse(call('targets,format=json').stdout) as { targets: readonly object[] }
    assert.deepEqual(targets[1], { default: true, base: 'base' })
  })

  it('tells what a target takes', () => {
    const Dockerfile = [
      'ARG BASE=scratch',
      'ARG UNUSED=1',
      'FROM $BASE AS base',
      '# VERSION of the program',
      'ARG VERSION=1.0',
      'ARG NAME=app-$VERSION SECOND',
      'RUN --mount=type=secret,id=token,required --mount=type=ssh make',
      'FROM scratch AS other',
      'ARG OTHER',
      '# app is what is shipped',
      'FROM base AS app',
      'ARG TARGETARCH',
      'RUN --mount=type=secret,id=token --mount=type=cache,target=/c make',
    ].join('\n')
    const words = ['build', '--target', 'app', '--build-arg', 'SECOND=2', '--call']
    const context = writeContext(coracle.directory, { Dockerfile })
    assert.equal(
      coracle.output(...words, 'outline', context),
      [
        'TARGET:      app',
        'DESCRIPTION: is what is shipped',
        '',
        'BUILD ARG   VALUE     DESCRIPTION',
        'BASE        scratch',
        'VERSION     1.0       of the program',
        'NAME        app-1.0',
        'SECOND      2',
        '',
        'SECRET   REQUIRED',
        'token    true',
        '',
        'SSH       REQUIRED',
        'default',
      ].join('\n'),
    )
    const { sources, ...document } = JSON.parse(coracle.output(...words, 'outline,format=json', context)) as {
      sources: string[]
      secrets: object[]
      cache: object[]
    }
    assert.equal(Buffer.from(sources[0] ?? '', 'base64').toString(), Dockerfile)
    const at = (line: number) => ({ ranges: [{ start: { line }, end: { line } }] })
    assert.deepEqual(document.secrets, [{ name: 'token', required: true, location: at(7) }])
    assert.deepEqual(document.cache, [{ ID: '/c', location: at(13) }])
  })

  it('knows no other words', () => {
    assert.match(call('contour').stderr, /unknown method "contour" of --call/)
    assert.match(call('check,format=xml').stderr, /invalid option "format=xml" of --call/)
  })
})
