import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { pairLayers, readDocument, type SharedStep, writeDocument } from '../../../src/build/cache/document.ts'
import { CacheInvalid } from '../../../src/build/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { OCI_LAYER_GZIP } from '../../../src/oci/media-types.ts'

const KEY = fc.stringMatching(/^[0-9a-f]{64}$/)
const layerOf = (text: string) => ({
  blob: { mediaType: OCI_LAYER_GZIP, digest: digestOf(`packed ${text}`), size: text.length },
  diffID: digestOf(text),
})

describe('documents of caches', () => {
  it('say the same when they are read as when they were written', () => {
    const layers = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 5 }).map((texts) => texts.map(layerOf))
    const stepOf = (count: number) =>
      fc.record({
        keys: fc.uniqueArray(KEY, { minLength: 1, maxLength: 4 }),
        layer: fc.option(fc.nat({ max: Math.max(0, count - 1) }), { nil: undefined }),
        createdAtMs: fc.nat(),
      })
    const both = layers.chain((known) => fc.tuple(fc.constant(known), fc.array(stepOf(known.length), { maxLength: 6 })))
    fc.assert(
      fc.property(both, ([known, chosen]) => {
        const steps: SharedStep[] = chosen.map(({ layer, ...step }) => ({
          ...step,
          layer: layer === undefined ? undefined : known[layer],
        }))
        const diffIDs = known.map(({ diffID }) => diffID)
        const document: unknown = JSON.parse(JSON.stringify(writeDocument(steps, diffIDs)))
        const pairs = pairLayers(
          known.map(({ blob }) => blob),
          diffIDs,
        )
        assert.deepEqual(readDocument(document, pairs), steps)
      }),
    )
  })

  it('are refused in one way, whatever is in them', () => {
    const near = fc.record({ version: fc.constant(1), steps: fc.anything() })
    const steps = fc.record({
      version: fc.constant(1),
      steps: fc.array(
        fc.record(
          { keys: fc.oneof(fc.array(KEY), fc.anything()), layer: fc.anything(), created: fc.anything() },
          { requiredKeys: [] },
        ),
      ),
    })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near, steps), (document) => {
        try {
          readDocument(document, [layerOf('one')])
        } catch (error) {
          assert(error instanceof CacheInvalid)
        }
      }),
    )
  })

  it('name layers that are tars, by digests that are digests', () => {
    const { blob, diffID } = layerOf('one')
    const wrong: readonly (readonly [unknown, string?])[] = [
      [['../../etc/passwd']],
      [[]],
      [[diffID, diffID]],
      ['text'],
      [[diffID], 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'],
    ]
    for (const [diffIDs, mediaType = OCI_LAYER_GZIP] of wrong)
      assert.throws(() => pairLayers([{ ...blob, mediaType }], diffIDs), CacheInvalid)
  })
})
