import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { type BaseFacts, lintDockerfile } from '../../../src/build/lint/lint.ts'
import { LintFailed, refuseFindings } from '../../../src/build/lint/report.ts'
import { AMD64, ARM64, buildSettings, plan, refusal } from '../../support/dockerfiles.ts'

interface Options {
  readonly environment?: readonly string[]
  readonly ignored?: string
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly base?: Partial<BaseFacts>
}

function findings(text: string, { environment = [], ignored, buildArgs = {}, base = {} }: Options = {}) {
  const settings = buildSettings(buildArgs)
  const planned = plan(text, settings)
  return lintDockerfile(planned, {
    settings,
    check: planned.dockerfile.directives.check,
    stages: planned.stages,
    bases: new Map(
      planned.stages.map(({ stage, platform = ARM64 }) => [
        stage.index,
        { environment, hasShell: false, platform, ...base },
      ]),
    ),
    ...(ignored !== undefined && { ignored: new IgnoreMatcher(ignored.split('\n')) }),
  })
}

/** `line rule: message` */
function lint(text: string, options?: Options): readonly string[] {
  return findings(text, options).map(({ rule, message, lines }) => `${lines.start} ${rule}: ${message}`)
}

describe('lints of a Dockerfile', () => {
  it('find nothing in a good one', () => {
    assert.deepEqual(
      lint(`# syntax=docker/dockerfile:1
ARG VERSION=3
FROM --platform=$BUILDPLATFORM busybox:$VERSION AS build
ARG TARGETARCH
ENV GOARCH=$TARGETARCH KEYBOARD=de TOKEN_FILE=/x PUBLIC_KEY=y
WORKDIR /src
COPY . .
RUN make \\
    # a comment is no empty line
    all
FROM scratch
COPY --from=build /src/out /app
EXPOSE 80/tcp 8000-8010
SHELL ["/bin/x", "-c"]
CMD app
HEALTHCHECK CMD app --check`),
      [],
    )
  })

  for (const [text, ...expected] of [
    ['FROM x AS Build', "1 StageNameCasing: Stage name 'Build' should be lowercase"],
    ['FROM x as b', "1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"],
    ['from x AS b', "1 FromAsCasing: 'AS' and 'from' keywords' casing do not match"],
    ['FROM x\nRUN a \\\n\n  b', '4 NoEmptyContinuation: Empty continuation line'],
    [
      'FROM x\nRUN a\nrun b\nRun c',
      "3 ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)",
      "4 ConsistentInstructionCasing: Command 'Run' should match the case of the command majority (uppercase)",
    ],
    [
      'from x\nrun a\nRUN b',
      "3 ConsistentInstructionCasing: Command 'RUN' should match the case of the command majority (lowercase)",
    ],
    [
      'FROM x AS a\nFROM y AS A',
      "2 StageNameCasing: Stage name 'A' should be lowercase",
      '2 DuplicateStageName: Duplicate stage name "a", stage names should be unique',
    ],
    ['FROM x AS scratch', '1 ReservedStageName: Stage name should not use the same name as reserved stage "scratch"'],
    [
      'FROM x\nCMD a',
      '2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
    ],
    ['FROM x\nMAINTAINER a', '2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label'],
    [
      'ARG version\nFROM x:${verison:-1}',
      "2 UndefinedArgInFrom: FROM argument 'verison' is not declared (did you mean version?)",
    ],
    [
      'FROM x\nWORKDIR a\nWORKDIR b\nFROM x\nWORKDIR /a\nWORKDIR b',
      '2 WorkdirRelativePath: Relative workdir "a" can have unexpected results if the base image changes',
    ],
    ['FROM scratch\nCOPY $foo .', "2 UndefinedVar: Usage of undefined variable '$foo'"],
    [
      'FROM x\nENV SOURCE=1\nLABEL a=$SOURSE b=$SOURSE',
      "3 UndefinedVar: Usage of undefined variable '$SOURSE' (did you mean $SOURCE?)",
    ],
    [
      'FROM x\nCMD ["a"]\nENTRYPOINT ["b"]\nCMD ["c"]',
      '2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used',
    ],
    [
      'FROM x\nENV a b\nLABEL c d',
      '2 LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
      '3 LegacyKeyValueFormat: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ],
    [
      'FROM --platform=$TARGETPLATFORM x',
      '1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    ],
    [
      'FROM --platform=linux/arm64 x AS base\nFROM --platform=linux/arm64 x AS base-arm64',
      '1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/arm64"',
    ],
    [
      'FROM x\nARG my_password=1 token\nENV API_KEY=2 API_KEY_VERSION=3',
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "my_password")',
      '2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "token")',
      '3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "API_KEY")',
    ],
    [
      'FROM x\nEXPOSE 80/TcP 127.0.0.1:80:81',
      `2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:81'`,
      "2 ExposeProtoCasing: Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
    ],
  ] as const)
    it(`find ${expected[0]?.split(' ')[1]} in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(lint(text), expected)
    })

  it('find a base image whose name is empty without arguments', () => {
    assert.deepEqual(lint('ARG tag\nFROM x:$tag', { buildArgs: { tag: '1' } }), [
      '2 InvalidDefaultArgInFrom: Default value for ARG x:$tag results in empty or invalid base image name',
    ])
  })

  it('find a base image of another platform', () => {
    assert.deepEqual(lint('FROM x', { base: { platform: AMD64 } }), [
      '1 InvalidBaseImagePlatform: Base image x was pulled with platform "linux/amd64", expected "linux/arm64" for current build',
    ])
  })

  it('find files that are copied and ignored', () => {
    const text = 'FROM x\nCOPY a b /\nADD ./c/d https://x/a /\nCOPY --from=0 a /\nCOPY . /'
    assert.deepEqual(lint(text.replace('--from=0', '--from=y'), { ignored: 'a\nc' }), [
      '2 CopyIgnoredFile: Attempting to Copy file "a" that is excluded by .dockerignore',
      '3 CopyIgnoredFile: Attempting to Add file "c/d" that is excluded by .dockerignore',
    ])
    assert.deepEqual(lint('FROM x\nCOPY a /', { ignored: 'a\n!a/b' }), [])
    assert.deepEqual(lint('FROM x\nCOPY . /', { ignored: '**' }).length, 1)
  })

  it('know the variables of the image and of stages before', () => {
    assert.deepEqual(
      lint('FROM x AS a\nENV b=$GIVEN$PATH\nARG c\nFROM a\nENV d=$b$c', { environment: ['GIVEN=1'] }),
      [],
    )
  })

  it('say nothing about variables of a base that is not known', () => {
    const planned = plan('FROM x\nENV a=$what\nWORKDIR ${b:?}')
    const { check } = planned.dockerfile.directives
    assert.deepEqual(lintDockerfile(planned, { settings: buildSettings(), check, stages: planned.stages }), [])
    assert.match(refusal(() => lint('FROM x\nWORKDIR ${b:?}')).problem, /not allowed to be unset/)
  })

  it('let a shell that is set stand for the JSON form', () => {
    assert.deepEqual(lint('FROM x\nENTRYPOINT a', { base: { hasShell: true } }), [])
  })

  it('name the page about a rule', () => {
    const urls = findings('FROM x AS B\nCMD a').map(({ url }) => url?.split('/').slice(-2)[0])
    assert.deepEqual(urls, ['stage-name-casing', 'json-args-recommended'])
  })
})

describe('check directives', () => {
  it('skip rules for the file', () => {
    assert.deepEqual(lint('# check=skip=JSONArgsRecommended,StageNameCasing\nFROM x AS B\nCMD a'), [])
    assert.deepEqual(lint('# check=skip=all\nFROM x AS B\nCMD a'), [])
  })

  it('skip rules for the instruction below', () => {
    assert.deepEqual(
      lint('FROM x\n# why\n# check=skip=JSONArgsRecommended\nCMD a\n# check=what\nENTRYPOINT b').length,
      1,
    )
  })

  it('ask for rules that are tried out', () => {
    const text = '# bar is bar\nARG foo\n\n# not read\n\n# base is the base\nFROM x AS base\n# other\nARG a b\n'
    assert.deepEqual(lint(`# check=experimental=all\n${text}`), [
      '3 InvalidDefinitionDescription: Comment for ARG should follow the format: `# foo <description>`',
      '10 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`',
    ])
    assert.deepEqual(lint(text), [])
  })

  it('make findings errors', () => {
    const check = { skip: [], experimental: [], error: true }
    assert.throws(
      () => refuseFindings(findings('FROM x AS B\nCMD a'), check),
      (error) => {
        assert(error instanceof LintFailed)
        return error.message === 'lint violation found for rules: StageNameCasing, JSONArgsRecommended'
      },
    )
    refuseFindings([], check)
  })
})
