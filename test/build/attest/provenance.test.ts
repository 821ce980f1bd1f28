import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { gatherFacts } from '../../../src/build/attest/facts.ts'
import {
  digestSet,
  fileAddress,
  gitAddress,
  imageMaterial,
  openMaterials,
} from '../../../src/build/attest/materials.ts'
import { provenanceOf } from '../../../src/build/attest/provenance.ts'
import { DEFAULT_PROVENANCE } from '../../../src/build/attest/wish.ts'
import { parseDockerfile } from '../../../src/build/dockerfile/parse.ts'
import { planStages } from '../../../src/build/dockerfile/stages.ts'
import { parseSettings } from '../../../src/build/parse-request.ts'
import { parseGitSource } from '../../../src/build/sources/git-url.ts'
import type { BuildRequest } from '../../../src/build/types.ts'
import { hostPlatform } from '../../../src/images/platform.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const DOCKERFILE = [
  'FROM busybox AS made',
  'RUN --mount=type=secret,id=token,required --mount=type=ssh,id=key make',
  'FROM scratch AS unused',
  'RUN --mount=type=secret,id=other make',
  'FROM busybox',
  'COPY --from=made /a /',
].join('\n')

function factsFor(changes: Partial<BuildRequest> = {}) {
  const content = Buffer.from(DOCKERFILE)
  const request: BuildRequest = {
    context: '/home/user/app',
    tags: [],
    buildArgs: ['USER_NAME=someone', 'HTTPS_PROXY=http://me:hunter2@proxy'],
    labels: ['tier=front'],
    platforms: [],
    contexts: [],
    noCache: false,
    noCacheFilter: [],
    pull: false,
    secrets: [],
    ssh: [],
    allow: [],
    addHosts: [],
    ulimits: [],
    annotations: [],
    attests: [],
    outputs: [],
    env: {},
    signal: new AbortController().signal,
    onEvent: () => {},
    ...changes,
  }
  const settings = parseSettings(request)
  const { buildArgs } = settings
  const platform = hostPlatform()
  const plan = planStages(parseDockerfile(content, 'Dockerfile'), {
    buildArgs,
    targetPlatform: platform,
    buildPlatform: platform,
  })
  const materials = openMaterials()
  materials.add(imageMaterial('busybox', { digest: digestOf(Buffer.from('')), platform: 'linux/arm64' }))
  materials.add({
    uri: fileAddress('https://me:hunter2@host.example/a.tar?token=hunter2'),
    digest: digestSet('sha256:ab'),
  })
  const dockerfile = { name: 'Dockerfile', content }
  return gatherFacts({ request, settings, plan, dockerfile, materials: materials.list(), startedAtMs: 0 })
}

const MAX = { ...DEFAULT_PROVENANCE, mode: 'max' } as const

describe('provenance', () => {
  it('tells little by default: no value that was given, no secret, nothing of the Dockerfile', () => {
    for (const version of ['v1', 'v0.2'] as const) {
      const text = JSON.stringify(provenanceOf(factsFor(), { ...DEFAULT_PROVENANCE, version }, []))
      assert.doesNotMatch(text, /someone|tier|token|"key"|hunter2|home.user/)
      assert.ok(!text.includes(Buffer.from('RUN').toString('base64')))
    }
  })

  it('tells all in the mode max, but passwords', () => {
    const { predicate, predicateType } = provenanceOf(factsFor(), MAX, [])
    assert.equal(predicateType, 'https://slsa.dev/provenance/v1')
    const { buildDefinition, runDetails } = predicate as {
      buildDefinition: { externalParameters: object; internalParameters: { buildConfig: object } }
      runDetails: { metadata: { buildkit_metadata: { source: { infos: { data: string }[] } } } }
    }
    assert.deepEqual(buildDefinition.externalParameters, {
      configSource: { path: 'Dockerfile' },
      request: {
        frontend: 'dockerfile.v0',
        args: { 'build-arg:USER_NAME': 'someone', 'label:tier': 'front' },
        secrets: [{ id: 'token' }],
        ssh: [{ id: 'key', optional: true }],
        locals: [{ name: 'context' }, { name: 'dockerfile' }],
      },
    })
    assert.deepEqual(buildDefinition.internalParameters.buildConfig, {
      llbDefinition: [{ id: 'step0' }, { id: 'step1', inputs: ['step0:0'] }],
    })
    const { source } = runDetails.metadata.buildkit_metadata
    assert.equal(Buffer.from(source.infos[0]?.data ?? '', 'base64').toString(), DOCKERFILE)
    assert.doesNotMatch(JSON.stringify(predicate), /hunter2/)
  })

  it('names what the image was made of by digest', () => {
    const { predicate } = provenanceOf(factsFor(), { ...MAX, version: 'v0.2' }, [])
    assert.deepEqual((predicate as { materials: object }).materials, [
      { uri: 'https://host.example/a.tar', digest: { sha256: 'ab' } },
      {
        uri: 'pkg:docker/busybox@latest?platform=linux%2Farm64',
        digest: { sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
      },
    ])
  })

  it('is the same each time with SOURCE_DATE_EPOCH, and not without', () => {
    const env = { SOURCE_DATE_EPOCH: '1000000000' }
    assert.deepEqual(provenanceOf(factsFor({ env }), MAX, []), provenanceOf(factsFor({ env }), MAX, []))
    assert.notDeepEqual(provenanceOf(factsFor(), MAX, []), provenanceOf(factsFor(), MAX, []))
  })

  it('knows whether a command had a network', () => {
    assert.equal(factsFor().hermetic, false)
    assert.equal(factsFor({ network: 'none' }).hermetic, true)
  })

  it('says where a context behind a URL comes from, without the password', () => {
    const { source, locals } = factsFor({ context: 'https://me:hunter2@host.example/a.tar' })
    assert.deepEqual(source, { uri: 'https://host.example/a.tar', digest: { sha256: 'ab' } })
    assert.deepEqual(locals, [])
    const contexts = ['a=/here', 'b=https://host.example/b.git', 'c=docker-image://busybox', 'd=oci-layout:///there']
    assert.deepEqual(factsFor({ contexts }).locals, ['context', 'dockerfile', 'a', 'd'])
    const git = parseGitSource('https://me:hunter2@host.example/app.git#v1:web', { github: true })
    assert(git !== undefined)
    assert.equal(gitAddress(git), 'https://host.example/app.git#v1:web')
    assert.deepEqual(digestSet('4b220de5058abfd01ff619c9d2ff6b09a049bea0'), {
      sha1: '4b220de5058abfd01ff619c9d2ff6b09a049bea0',
    })
  })
})
