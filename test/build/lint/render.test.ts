import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { listTargets } from '../../../src/build/dockerfile/targets.ts'
import { lintDockerfile } from '../../../src/build/lint/lint.ts'
import { checkDocument, renderCheck, renderSummary } from '../../../src/build/lint/render.ts'
import { buildSettings, parse, plan } from '../../support/dockerfiles.ts'

function check(text: string) {
  const planned = plan(text)
  const { source, directives } = planned.dockerfile
  const findings = lintDockerfile(planned, {
    settings: buildSettings(),
    check: directives.check,
    stages: planned.stages,
  })
  return { findings, source }
}

describe('the answer to --check', () => {
  it('shows each finding with its page and its lines', () => {
    const { findings, source } = check('FROM scratch\nWORKDIR /\nUSER a\nCMD a\n')
    assert.equal(
      renderCheck(findings, source),
      `Check complete, 1 warning has been found!

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:4:1
  2 | WORKDIR /
  3 | USER a
> 4 | CMD a
    | ^^^
`,
    )
    assert.equal(
      renderSummary(findings),
      ` 1 warning found:
 - JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 4)
`,
    )
  })

  it('says that nothing was found', () => {
    const { findings, source } = check('FROM scratch')
    assert.deepEqual(
      [renderCheck(findings, source), renderSummary(findings)],
      ['Check complete, no warnings found.\n', ''],
    )
  })

  it('is a document for programs', () => {
    const { findings, source } = check('FROM scratch AS A\nMAINTAINER a')
    assert.match(renderCheck(findings, source), /^Check complete, 2 warnings have been found!/)
    const [first] = (checkDocument(findings, source) as { warnings: readonly object[] }).warnings
    assert.deepEqual(first, {
      ruleName: 'StageNameCasing',
      description: 'Stage names should be lowercase',
      url: 'https://docs.docker.com/go/dockerfile/rule/stage-name-casing/',
      detail: "Stage name 'A' should be lowercase",
      location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] },
    })
  })
})

describe('the targets of a Dockerfile', () => {
  it('have the names, bases and descriptions that it gives them', () => {
    assert.deepEqual(listTargets(parse('# a\n# base has all\nFROM --platform=$P x AS Base\n# other\nFROM base')), [
      { name: 'base', isDefault: false, description: 'has all', base: 'x', platform: '$P' },
      { name: undefined, isDefault: true, description: '', base: 'base', platform: undefined },
    ])
  })
})
