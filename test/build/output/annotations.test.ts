import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { annotationsOf, parseAnnotations } from '../../../src/build/output/annotations.ts'
import { parseOutputs } from '../../../src/build/output/parse.ts'
import { InvalidArgument } from '../../../src/errors.ts'

const ARM = { os: 'linux', architecture: 'arm64' }
const AMD = { os: 'linux', architecture: 'amd64' }

describe('--annotation', () => {
  it('is for manifests unless it says otherwise', () => {
    const all = parseAnnotations(['a=1=2', 'index:b=3', 'index,manifest[linux/arm64]:c=4', 'manifest-descriptor:d='])
    assert.deepEqual(annotationsOf(all, 'manifest', AMD), { a: '1=2' })
    assert.deepEqual(annotationsOf(all, 'manifest', ARM), { a: '1=2', c: '4' })
    assert.deepEqual(annotationsOf(all, 'index'), { b: '3', c: '4' })
    assert.deepEqual(annotationsOf(all, 'manifest-descriptor', ARM), { d: '' })
  })

  it('may hold colons in its value, and the last one wins', () => {
    const all = parseAnnotations(['url=http://a:1/', 'url=http://b:2/'])
    assert.deepEqual(annotationsOf(all, 'manifest', AMD), { url: 'http://b:2/' })
  })

  it('is refused where it means nothing', () => {
    for (const text of ['a', '=1', 'layer:a=1', 'index[linux/amd64]:a=1', 'manifest[a/b/c/d]:a=1', 'manifest[:a=1'])
      assert.throws(() => parseAnnotations([text]), InvalidArgument, text)
  })

  it('may stand in --output', () => {
    const [output] = parseOutputs([
      'type=image,annotation.Key=1,annotation-index.b=2,annotation-manifest[linux/arm64].c=3',
    ])
    assert(output?.type === 'image')
    assert.deepEqual(annotationsOf(output.annotations ?? [], 'manifest', ARM), { Key: '1', c: '3' })
    assert.deepEqual(annotationsOf(output.annotations ?? [], 'index'), { b: '2' })
  })
})
