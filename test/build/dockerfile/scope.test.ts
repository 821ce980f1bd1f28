import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { globalArguments, unusedBuildArgs } from '../../../src/build/dockerfile/arguments.ts'
import { StageScope } from '../../../src/build/dockerfile/scope.ts'
import { buildSettings, expandAll, parse, plan, refusal } from '../../support/dockerfiles.ts'

/** The variables that RUN would see. */
function variables(text: string, options: Parameters<typeof expandAll>[1] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(expandAll(text, options).scope.variables)
}

describe('variables of a stage', () => {
  it('are those of the image, then what ENV and ARG set, the last one last', () => {
    assert.deepEqual(
      variables('FROM x\nENV a=1 b=$a\nARG c=$a$b\nENV a=2\nARG b=3', { environment: ['b=0', 'a=9', 'odd'] }),
      { a: '2', b: '3', c: '19', odd: '' },
    )
  })

  it('are for one ENV what stood before it, for one ARG also what stands in it', () => {
    assert.deepEqual(variables('FROM scratch\nENV a=1\nENV a=2 b=$a\nARG c=1 d=$c'), { a: '2', b: '1', c: '1', d: '1' })
  })

  it('come from --build-arg before the default, and only when declared', () => {
    const text = 'FROM scratch\nARG a=1 b=2\nARG c'
    assert.deepEqual(variables(text, { buildArgs: { a: 'x', c: 'y', d: 'z' } }), { a: 'x', b: '2', c: 'y' })
  })

  it('come from before FROM only when the stage repeats them', () => {
    const text = 'ARG a=1 b=2 c=3\nFROM scratch\nARG a\nARG b=4\n'
    assert.deepEqual(variables(text), { a: '1', b: '4' })
    assert.deepEqual(variables(text, { buildArgs: { a: 'x', b: 'y' } }), { a: 'x', b: 'y' })
  })

  it('hold the platforms when a stage asks for them', () => {
    assert.deepEqual(variables('FROM scratch\nARG TARGETPLATFORM BUILDARCH TARGETVARIANT TARGETSTAGE'), {
      TARGETPLATFORM: 'linux/arm64',
      BUILDARCH: 'amd64',
      TARGETVARIANT: '',
      TARGETSTAGE: 'default',
    })
    assert.deepEqual(variables('FROM scratch\nRUN x'), {})
  })

  it('do not have an ARG without a value', () => {
    const { scope } = expandAll('FROM scratch\nARG a\nARG b=1')
    assert.deepEqual([...scope.variables], [['b', '1']])
    assert.deepEqual(scope.args, [
      { name: 'a', value: undefined },
      { name: 'b', value: '1' },
    ])
  })

  it('are handed on to the stages built from this one, where the image config wins over ARGs', () => {
    const { dockerfile, globals, budget } = plan('FROM scratch AS a\nARG x=1 y=2\nENV y=3\nFROM a\nRUN z')
    const [first, second] = dockerfile.stages
    const options = { source: dockerfile.source, escape: '\\', globals, buildArgs: new Map(), budget } as const
    const parent = new StageScope({ ...options, environment: [] })
    for (const instruction of first?.instructions ?? []) parent.expand(instruction)
    const child = new StageScope({ ...options, environment: ['y=3'], parent })
    for (const instruction of second?.instructions ?? []) child.expand(instruction)
    assert.deepEqual(Object.fromEntries(child.variables), { x: '1', y: '3' })
    assert.deepEqual(child.args, [
      { name: 'x', value: '1' },
      { name: 'y', value: '3' },
    ])
  })

  it('do not hold what only the builder wants to know', () => {
    assert.deepEqual(variables('FROM scratch\nARG BUILDKIT_SBOM_SCAN_STAGE=true'), {})
  })

  it('report each that is used and not set', () => {
    const { dockerfile, globals, budget } = plan('FROM scratch\nARG known\nENV a=$known$b${c:-1} d=$d')
    const unset: string[] = []
    const scope = new StageScope({
      source: dockerfile.source,
      escape: '\\',
      globals,
      budget,
      buildArgs: new Map(),
      environment: [],
      onUnset: (name) => unset.push(name),
    })
    for (const instruction of dockerfile.stages[0]?.instructions ?? []) scope.expand(instruction)
    assert.deepEqual([...new Set(unset)], ['b', 'c', 'd'])
  })

  it('are bounded in their sum and number', () => {
    const doubling = Array.from({ length: 24 }, (_, index) => `ENV v${index + 1}=$v${index}$v${index}`)
    assert.match(
      refusal(() => expandAll(`FROM scratch\nENV v0=${'x'.repeat(100)}\n${doubling.join('\n')}`)).problem,
      /larger than/,
    )
    const many = Array.from({ length: 10_001 }, (_, index) => `v${index}=`).join(' ')
    assert.match(refusal(() => expandAll(`FROM scratch\nENV ${many}`)).problem, /more than 10000 variables/)
  })
})

describe('an expanded instruction', () => {
  const HEAD = 'FROM scratch\nENV v=1 two="a b"\n'

  for (const [text, expected] of [
    [
      'COPY --from=x --chown=$v:$v --chmod=$v --exclude=$v $v $two /$v/',
      { from: 'x', chown: '1:1', chmod: '1', exclude: ['$v'], sources: ['1', 'a b'], destination: '/1/' },
    ],
    ['ADD --checksum=sha256:$v ["$v $v", "$two"]', { checksum: 'sha256:1', sources: ['1 1'], destination: 'a b' }],
    ['WORKDIR /$v $v', { path: '/1 1' }],
    ['USER $v', { user: '1' }],
    ['VOLUME /$v $two', { paths: ['/1', 'a b'] }],
    ['STOPSIGNAL $v', { signal: '1' }],
    [
      "LABEL $v='$v' b=$two",
      {
        pairs: [
          { key: '1', value: '$v', legacy: false },
          { key: 'b', value: 'a b', legacy: false },
        ],
      },
    ],
    ['EXPOSE 8$v $v-2/udp', { words: ['1-2/udp', '81'], ports: ['1/udp', '2/udp', '81/tcp'] }],
    [
      'RUN --mount=type=cache,id=$two,target=/$v $v',
      {
        mounts: [{ type: 'cache', id: 'a b', target: '/1', sharing: 'shared', readOnly: false }],
        command: { form: 'shell', text: '$v' },
      },
    ],
    ['CMD $v', { command: { form: 'shell', text: '$v' } }],
    ['ENTRYPOINT ["$v"]', { command: { form: 'exec', args: ['$v'] } }],
    ['SHELL ["$v"]', { args: ['$v'] }],
    ['MAINTAINER $v', { maintainer: '$v' }],
    ['ONBUILD RUN $v', { trigger: 'RUN $v' }],
  ] as const)
    it(`has variables where docker puts them into ${text}`, () => {
      const [, actual] = expandAll(`${HEAD}${text}`).expanded
      assert.deepEqual(actual, { ...actual, ...expected })
    })

  it('has no owner and no mode where they are empty', () => {
    const text = `${HEAD}COPY --from= --chown=$no --chmod= a b\nADD --checksum=$no --chown=1 a b`
    const [, copy, add] = expandAll(text).expanded
    assert(copy?.kind === 'COPY' && add?.kind === 'ADD')
    assert.deepEqual([copy.from, copy.chown, copy.chmod], [undefined, undefined, undefined])
    assert.deepEqual(['chown' in copy, add.checksum, add.chown], [false, undefined, '1'])
  })

  it('has the files of its heredocs with variables, unless their names are quoted', () => {
    const [, copy] = expandAll(`${HEAD}COPY <<-a <<"b" /x/\n\t$v "$v"\n\ta\n\t$v\nb`).expanded
    assert(copy?.kind === 'COPY')
    assert.deepEqual(
      copy.files.map(({ name, content }) => [name, content]),
      [
        ['a', '1 "1"\n'],
        ['b', '\t$v\n'],
      ],
    )
  })

  for (const [text, problem] of [
    ['ENV $no=1', 'ENV names can not be blank'],
    ['VOLUME $no', 'VOLUME specified can not be an empty string'],
    ['STOPSIGNAL SIG$v$v$v', 'Invalid signal: SIG111'],
    ['EXPOSE $two', 'invalid port: "a": invalid containerPort: a'],
    ['WORKDIR ${no:?where}', 'no: where'],
    ['RUN --mount=type=$two x', 'unsupported mount type "a b"'],
  ] as const)
    it(`is refused: ${text}`, () => {
      const error = refusal(() => expandAll(`${HEAD}${text}`))
      assert.deepEqual([error.problem, error.place?.lines.start], [problem, 3])
    })
})

describe('build arguments', () => {
  it('give FROM lines their values, in the order of declaration', () => {
    const dockerfile = parse('ARG a=1\nARG b=$a-$TARGETARCH c\nARG a=2\nFROM x')
    const values = globalArguments(dockerfile, buildSettings({ c: '3' }))
    assert.deepEqual([values.get('a'), values.get('b'), values.get('c')], ['2', '1-arm64', '3'])
  })

  it('are reported when nothing declares them', () => {
    const dockerfile = parse('ARG a\nFROM x\nARG b')
    const given = { a: '', b: '', c: '', http_proxy: '', TARGETARCH: '', SOURCE_DATE_EPOCH: '', B: '' }
    assert.deepEqual(unusedBuildArgs(dockerfile, buildSettings(given)), ['B', 'c'])
  })
})
