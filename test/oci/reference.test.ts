import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { InvalidArgument } from '../../src/errors.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import {
  canonicalName,
  familiarName,
  parseReference,
  repositoryName,
  tagOrDigest,
  withDefaultTag,
} from '../../src/oci/reference.ts'

const digest = parseDigest(`sha256:${'a1'.repeat(32)}`)

describe('parseReference', () => {
  it('fills in what short names leave out', () => {
    assert.deepEqual(parseReference('busybox'), { registry: 'docker.io', repository: 'library/busybox' })
    assert.deepEqual(parseReference('user/app:1'), { registry: 'docker.io', repository: 'user/app', tag: '1' })
    assert.deepEqual(parseReference('index.docker.io/busybox'), parseReference('busybox'))
    assert.deepEqual(parseReference('docker.io/busybox'), parseReference('docker.io/library/busybox'))
  })

  it('takes the first part for a host only when it looks like one', () => {
    const registryOf = (text: string) => parseReference(text).registry
    assert.equal(registryOf('registry.example/app'), 'registry.example')
    assert.equal(registryOf('localhost/app'), 'localhost')
    assert.equal(registryOf('host:5000/app'), 'host:5000')
    assert.equal(registryOf('[::1]:5000/app'), '[::1]:5000')
    assert.equal(registryOf('Host/app'), 'Host')
    assert.equal(registryOf('host/app'), 'docker.io')
  })

  it('tells the port of a host from a tag', () => {
    assert.deepEqual(parseReference('host:5000/app'), { registry: 'host:5000', repository: 'app' })
    assert.deepEqual(parseReference('app:5000'), { registry: 'docker.io', repository: 'library/app', tag: '5000' })
  })

  it('keeps a tag beside a digest, which is what counts', () => {
    const reference = parseReference(`app:1@${digest}`)
    assert.deepEqual(reference, { registry: 'docker.io', repository: 'library/app', tag: '1', digest })
    assert.equal(tagOrDigest(reference), digest)
  })

  const refused: readonly (readonly [text: string, reason: RegExp])[] = [
    ['', /empty/],
    ['f'.repeat(64), /64 hexadecimal/],
    ['app@sha256:short', /digest/],
    [`app@${digest}@${digest}`, /more than one @/],
    ['docker.io/App', /lowercase/],
    ['app:', /no tag/],
    [`app:${'t'.repeat(129)}`, /no tag/],
    ['app:-x', /no tag/],
    ['a//b', /malformed/],
    ['a/../b', /malformed/],
    ['a___b', /malformed/],
    ['-host.example/app', /no registry host/],
    [`host.example/${'a'.repeat(250)}`, /longer than 255/],
    ['app\n', /malformed/],
  ]
  for (const [text, reason] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(
        () => parseReference(text),
        (error: Error) => error instanceof InvalidArgument && reason.test(error.message),
      )
    })
  }

  it('says how a name in upper case would have to be written', () => {
    assert.throws(() => parseReference('docker.io/My/App:V1'), { hint: 'try docker.io/my/app:V1' })
  })

  const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/)
  const reference = fc
    .record(
      {
        registry: fc.constantFrom('docker.io', 'registry.example', 'localhost:5000', '[::1]:80'),
        repository: fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
        tag: fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/),
        digest: fc.constant(digest),
      },
      { requiredKeys: ['registry', 'repository'] },
    )
    .map((record) => ({ ...record }))

  it('reads back the names that references are given, long and short', () => {
    fc.assert(
      fc.property(reference, (original) => {
        assert.deepEqual(parseReference(canonicalName(original)), original)
        assert.deepEqual(parseReference(familiarName(original)), original)
      }),
    )
  })

  it('answers with a reference or an error in words, whatever is typed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9@:./_-]{0,40}$/)), (text) => {
        try {
          const parsed = parseReference(text)
          assert.deepEqual(parseReference(canonicalName(parsed)), parsed)
          assert.doesNotMatch(repositoryName(parsed), /\.\.|\/\/|[\s@]/)
        } catch (error) {
          assert(error instanceof InvalidArgument, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('names', () => {
  it('are shown as docker shows them', () => {
    assert.equal(familiarName(parseReference('docker.io/library/busybox:1')), 'busybox:1')
    assert.equal(familiarName(parseReference('docker.io/library/a/b:1')), 'library/a/b:1')
    assert.equal(familiarName(parseReference('quay.io/a/b:1')), 'quay.io/a/b:1')
  })

  it('stay long where a short one would mean something else', () => {
    for (const name of [
      'docker.io/registry.example/app',
      'docker.io/localhost/app',
      `docker.io/library/${'f'.repeat(64)}`,
    ])
      assert.equal(familiarName(parseReference(name)), name)
  })

  it('get the tag latest only where there is neither tag nor digest', () => {
    assert.equal(withDefaultTag(parseReference('app')).tag, 'latest')
    assert.equal(withDefaultTag(parseReference('app:1')).tag, '1')
    assert.equal(withDefaultTag(parseReference(`app@${digest}`)).tag, undefined)
  })
})
