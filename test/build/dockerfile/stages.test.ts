import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ARM64, plan, refusal } from '../../support/dockerfiles.ts'

const bases = (text: string, settings: Parameters<typeof plan>[1] = {}) =>
  plan(text, settings).stages.map(({ base }) => base)
const needed = (text: string, target?: string) =>
  plan(text, target === undefined ? {} : { target }).needed.map(({ label }) => label)

describe('the base of a stage', () => {
  it('is scratch, a stage before it in any case, or an image', () => {
    assert.deepEqual(bases('FROM scratch AS a\nFROM A\nFROM b\nFROM x:1@sha256:0'.replace('0', '0'.repeat(64))), [
      { kind: 'scratch' },
      { kind: 'stage', index: 0 },
      { kind: 'image', reference: 'b' },
      { kind: 'image', reference: `x:1@sha256:${'0'.repeat(64)}` },
    ])
  })

  it('is never a stage of its own name, nor one behind it', () => {
    assert.deepEqual(bases('FROM alpine AS alpine\nFROM later\nFROM scratch AS later'), [
      { kind: 'image', reference: 'alpine' },
      { kind: 'image', reference: 'later' },
      { kind: 'scratch' },
    ])
  })

  it('is the nearest of two stages with one name', () => {
    assert.deepEqual(bases('FROM scratch AS a\nFROM scratch AS a\nFROM a\nFROM scratch AS a\nFROM a').slice(2), [
      { kind: 'stage', index: 1 },
      { kind: 'scratch' },
      { kind: 'stage', index: 3 },
    ])
  })

  it('has the variables from before the first FROM', () => {
    const text = 'ARG v=1 p=linux/s390x\nFROM --platform=$p a:$v\nFROM --platform=${BUILDPLATFORM} b:${no:-2}'
    const { stages } = plan(text, { buildArgs: new Map([['v', '3']]) })
    assert.deepEqual(
      stages.map(({ base, platform }) => [base, platform?.architecture]),
      [
        [{ kind: 'image', reference: 'a:3' }, 's390x'],
        [{ kind: 'image', reference: 'b:2' }, 'amd64'],
      ],
    )
  })

  it('gives its platform to the stages built from it', () => {
    const { stages } = plan('FROM --platform=linux/arm64 a AS a\nFROM --platform=linux/amd64 a')
    assert.deepEqual(
      stages.map(({ platform }) => platform),
      [ARM64, ARM64],
    )
  })

  it('is a named context under any spelling of the image', () => {
    const contexts = ['docker.io/library/base:latest', 'local']
    assert.deepEqual(bases('FROM base\nFROM local\nFROM base:2\nFROM scratch', { contexts }), [
      { kind: 'context', name: 'docker.io/library/base:latest' },
      { kind: 'context', name: 'local' },
      { kind: 'image', reference: 'base:2' },
      { kind: 'scratch' },
    ])
  })

  for (const [text, problem] of [
    ['FROM $no', 'base name ($no) should not be blank'],
    ['FROM Alpine', /^failed to parse stage name "Alpine": .*must be lowercase/],
    ['FROM --platform=$no x', 'empty platform value from expression $no'],
    ['FROM --platform=a/b/c/d x', /^failed to parse platform a\/b\/c\/d/],
    ['FROM ${x:?}', 'x: is not allowed to be unset'],
  ] as const)
    it(`is refused: ${text}`, () => {
      const { problem: actual } = refusal(() => plan(text))
      if (typeof problem === 'string') assert.equal(actual, problem)
      else assert.match(actual, problem)
    })
})

describe('a FROM without a name', () => {
  it('names the variable that is meant', () => {
    assert.equal(refusal(() => plan('FROM --platform=$BULIDPLATFORM x')).hint, 'did you mean $BUILDPLATFORM?')
    assert.equal(refusal(() => plan('ARG version=1\nFROM ${vresion}')).hint, 'did you mean $version?')
    assert.match(refusal(() => plan('ARG v\nFROM $v')).hint ?? '', /give the ARG in it a default/)
  })
})

describe('what the target needs', () => {
  const text = `FROM scratch AS a
FROM a AS b
FROM scratch AS unused
FROM scratch AS c
COPY --from=0 / /
RUN --mount=from=b,target=/x y
FROM c AS d`

  it('is found through FROM, COPY --from and mounts', () => {
    assert.deepEqual(needed(text), ['a', 'b', 'c', 'd'])
    assert.deepEqual(needed(text, 'B'), ['a', 'b'])
    assert.deepEqual(needed(text, '2'), ['unused'])
  })

  it('is found through the triggers of the stage it is built from', () => {
    const onbuild = 'FROM scratch AS files\nFROM scratch AS base\nONBUILD COPY --from=files / /\nFROM base'
    assert.deepEqual(needed(onbuild), ['files', 'base', 'stage-2'])
    const [trigger] = plan(onbuild).target.triggers
    assert.deepEqual([trigger?.kind, trigger?.lines], ['COPY', { start: 3, end: 3 }])
  })

  it('stops at a stage that a named context stands for', () => {
    const { stages, needed: found } = plan(text, { contexts: ['c'] })
    assert.deepEqual(
      found.map(({ label, replacedBy }) => [label, replacedBy]),
      [
        ['c', 'c'],
        ['d', undefined],
      ],
    )
    assert.equal(stages.length, 5)
  })

  it('may be a stage behind when a named context stands for it', () => {
    const forward = 'FROM scratch\nCOPY --from=b / /\nFROM scratch AS b'
    assert.equal(plan(forward, { target: '0', contexts: ['b'] }).needed.length, 2)
    assert.equal(refusal(() => plan(forward, { target: '0' })).place?.lines.start, 2)
  })

  it('lets stages that nobody needs be in any order', () => {
    assert.deepEqual(needed('FROM scratch AS a\nFROM a AS b\nCOPY --from=2 / /\nFROM scratch\nFROM scratch'), [
      'stage-3',
    ])
  })

  it('may be images and contexts', () => {
    const { target } = plan('FROM scratch\nCOPY --from=busybox / /\nCOPY --from=ctx / /', { contexts: ['ctx'] })
    assert.equal(target.label, 'stage-0')
  })

  for (const [refused, problem, target] of [
    ['FROM scratch AS a\nCOPY --from=a / /', 'circular dependency detected on stage: a'],
    [
      'FROM scratch\nCOPY --from=1 / /\nFROM scratch\nCOPY --from=0 / /',
      'circular dependency detected on stage: stage-0',
    ],
    ['FROM scratch AS a\nRUN --mount=from=b,target=/x y\nFROM a AS b', 'circular dependency detected on stage: a'],
    ['FROM scratch\nCOPY --from=2 / /', 'invalid stage index 2'],
    ['FROM scratch\nCOPY --from=-1 / /', 'invalid stage index -1'],
    ['FROM scratch\nCOPY --from=UP:x:y / /', /^failed to parse stage name "UP:x:y"/],
    ['FROM scratch AS build', 'target stage "biuld" could not be found (did you mean build?)', 'biuld'],
    [
      'FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b',
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
      'a',
    ],
  ] as const)
    it(`is refused: ${problem}`, () => {
      const { problem: actual } = refusal(() => plan(refused, target === undefined ? {} : { target }))
      if (typeof problem === 'string') assert.equal(actual, problem)
      else assert.match(actual, problem)
    })

  it('stands behind what it needs, in any graph', () => {
    const stage = fc.record({ base: fc.nat(8), sources: fc.array(fc.nat(8), { maxLength: 3 }) })
    fc.assert(
      fc.property(fc.array(stage, { minLength: 1, maxLength: 8 }), (stages) => {
        const lines = stages.flatMap(({ base, sources }, index) => [
          `FROM ${base < index ? `s${base}` : 'scratch'} AS s${index}`,
          ...sources.filter((source) => source < stages.length).map((source) => `COPY --from=s${source} / /`),
        ])
        const isForward = stages.some(({ sources }, index) =>
          sources.some((source) => source >= index && source < stages.length),
        )
        if (isForward) return
        const { needed: found, target } = plan(lines.join('\n'))
        assert.equal(found.at(-1), target)
        const indices = found.map(({ stage: { index } }) => index)
        const wanted = indices.flatMap((index) =>
          [stages[index]?.base ?? 8, ...(stages[index]?.sources ?? [])].filter((source) => source < index),
        )
        assert.deepEqual(
          wanted.filter((index) => !indices.includes(index)),
          [],
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('is found soon among a thousand stages that all have one name', () => {
    const many = Array.from({ length: 1000 }, () => 'FROM a AS a\nCOPY --from=a / /\n').join('')
    assert.equal(
      plan(`${many.slice(0, many.indexOf('COPY'))}${many.slice(many.indexOf('FROM', 1))}`).needed.length,
      1000,
    )
  })

  it('does not run triggers without end', () => {
    const triggers = 'ONBUILD RUN x\n'.repeat(200)
    const text2 = `FROM scratch AS a\n${triggers}${'FROM a\n'.repeat(60)}`
    assert.match(refusal(() => plan(text2)).problem, /more than 10000 ONBUILD triggers/)
  })
})
