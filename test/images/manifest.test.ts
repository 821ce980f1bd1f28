import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ManifestInvalid, ManifestUnsupported } from '../../src/images/errors.ts'
import { kindOf, understand } from '../../src/images/kind.ts'
import { parseConfig, parseIndex, parseManifest } from '../../src/images/manifest.ts'
import { blob, type MadeImage, makeImage, makeManifest, makeWasmArtifact, makeWasmImage } from '../support/images.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const parse = (image: MadeImage) => parseManifest(image.bytes, image.descriptor.digest)
const kind = (image: MadeImage) => kindOf(parse(image), 'it')
const layer = (mediaType: string) => blob(mediaType, Buffer.from('x'))
const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'

describe('manifests of strangers', () => {
  it('never do worse than be refused, whatever is in them', () => {
    const readers = [parseManifest, parseIndex, parseConfig]
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...readers), (value, read) => {
        try {
          read(bytes(value), 'x')
        } catch (error) {
          assert(error instanceof ManifestInvalid, String(error))
        }
      }),
    )
    const spoiled = fc.record({
      schemaVersion: fc.constantFrom(2, 1, '2'),
      config: fc.oneof(fc.jsonValue(), fc.constant(makeImage({ layers: [] }).descriptor)),
      layers: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
    })
    fc.assert(
      fc.property(spoiled, (value) => {
        try {
          parseManifest(bytes(value), 'x')
        } catch (error) {
          assert(error instanceof ManifestInvalid, String(error))
        }
      }),
    )
  })

  it('are refused when they are manifest and index at once', () => {
    const image = JSON.parse(makeImage({ layers: [] }).bytes.toString())
    assert.throws(() => parseManifest(bytes({ ...image, manifests: [] }), 'x'), /another kind/)
    assert.throws(() => parseIndex(bytes({ ...image, manifests: [] }), 'x'), /another kind/)
  })

  it('cannot smuggle a path in as a digest', () => {
    const image = JSON.parse(makeImage({ layers: [[]] }).bytes.toString())
    image.layers[0].digest = 'sha256:../../../../etc/passwd'
    assert.throws(() => parseManifest(bytes(image), 'x'), /layer 0 .* digest is malformed/)
  })

  it('must agree with their config on the number of layers', () => {
    const image = makeImage({ layers: [[]], diffIDs: [] })
    const config = image.blobs[0]?.bytes ?? Buffer.alloc(0)
    const content = { manifest: image.descriptor.digest, config }
    assert.throws(() => understand(parse(image), 'layers', content), /names 0 layers, its manifest has 1/)
  })
})

describe('the kind of a manifest', () => {
  it('is an image for tar layers of both formats', () => {
    assert.equal(kind(makeImage({ layers: [[]] })), 'layers')
    assert.equal(kind(makeImage({ layers: [[]], format: 'docker', compression: 'zstd' })), 'layers')
    assert.equal(kind(makeWasmImage(Buffer.from('wasm'))), 'layers')
  })

  it('is a module for the shapes of WASM artifacts', () => {
    assert.equal(kind(makeWasmArtifact(Buffer.from('wasm'))), 'module')
    const old = blob('application/vnd.wasm.config.v1+json', Buffer.from('{}'))
    const content = layer('application/vnd.wasm.content.layer.v1+wasm')
    assert.equal(kind(makeManifest({ config: old, layers: [content] })), 'module')
    const component = layer('application/vnd.bytecodealliance.wasm.component.layer.v0+wasm')
    assert.equal(
      kind(makeManifest({ config: blob(IMAGE_CONFIG, bytes({ architecture: 'wasm' })), layers: [component] })),
      'module',
    )
  })

  it('gives artifacts with the same empty config ids of their own', () => {
    const old = blob('application/vnd.wasm.config.v1+json', Buffer.from('{}'))
    const images = ['a', 'b'].map((text) =>
      makeManifest({ config: old, layers: [blob('application/wasm', Buffer.from(text))] }),
    )
    const ids = images.map(
      (image) => understand(parse(image), 'module', { manifest: image.descriptor.digest, config: old.bytes }).id,
    )
    assert.notEqual(ids[0], ids[1])
  })

  it('is refused with the reason: several modules, Spin, proxy filters, foreign and unknown layers', () => {
    const config = blob(IMAGE_CONFIG, bytes({}))
    const refused: [MadeImage, RegExp][] = [
      [
        makeManifest({
          config: blob('application/vnd.wasm.config.v0+json', bytes({})),
          layers: [layer('application/wasm'), layer('application/wasm')],
        }),
        /exactly one/,
      ],
      [
        makeManifest({ config: blob('application/vnd.fermyon.spin.application.v1+config', bytes({})), layers: [] }),
        /Spin application/,
      ],
      [makeManifest({ config, layers: [layer('application/vnd.module.wasm.content.layer.v1+wasm')] }), /Envoy/],
      [
        makeManifest({ config, layers: [layer('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] }),
        /foreign/,
      ],
      [
        makeManifest({ config, layers: [layer('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')] }),
        /foreign/,
      ],
      [
        makeManifest({ config, layers: [layer('application/vnd.unheard.of')] }),
        /unknown media type application\/vnd.unheard.of/,
      ],
    ]
    for (const [image, message] of refused) {
      assert.throws(
        () => kind(image),
        (error) => error instanceof ManifestUnsupported && message.test(error.message),
      )
    }
  })
})
