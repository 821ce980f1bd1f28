import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Failure } from '../../../src/sandbox/preview2/failure.ts'
import { declaredLength, Fields, fromRaw, toRaw } from '../../../src/sandbox/preview2/http/fields.ts'

const bytes = (text: string) => Buffer.from(text)
const refusal = (tag: string) => (error: unknown) =>
  error instanceof Failure && (error.payload as { tag: string }).tag === tag

describe('Fields', () => {
  it('keep their order and how they were written, and are found whatever the case', () => {
    const fields = Fields.fromList([
      ['X-One', bytes('1')],
      ['two', bytes('2')],
      ['x-one', bytes('3')],
    ])
    assert.deepEqual(fields.get('X-ONE').map(String), ['1', '3'])
    assert.deepEqual(toRaw(fields), ['X-One', '1', 'two', '2', 'x-one', '3'])
    fields.set('TWO', [bytes('4'), bytes('5')])
    assert.deepEqual(fields.get('two').map(String), ['4', '5'])
    fields.delete('X-one')
    assert.equal(fields.has('x-one'), false)
  })

  it('refuse what would end a header early, belongs to the connection, or is too much', () => {
    const fields = new Fields()
    for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ü'])
      assert.throws(() => fields.append(name, bytes('')), refusal('invalid-syntax'))
    for (const value of ['a\r\nX: y', '\0', '\x7f'])
      assert.throws(() => fields.append('a', bytes(value)), refusal('invalid-syntax'))
    for (const name of ['Connection', 'transfer-encoding', 'HOST'])
      assert.throws(() => fields.append(name, bytes('x')), refusal('forbidden'))
    assert.throws(() => fields.append('a', Buffer.alloc(1 << 20, 'a')), refusal('invalid-syntax'))
    assert.throws(() => fields.freeze().append('a', bytes('b')), refusal('immutable'))
    fields.clone().append('a', bytes('b'))
  })

  it('are what Node has, and back, for any text of a header', () => {
    const name = fc.stringMatching(/^[a-z0-9-]{1,20}$/).filter((text) => !['te', 'host'].includes(text))
    const value = fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,40}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        assert.deepEqual(
          toRaw(fromRaw(pairs.flat())),
          pairs
            .filter(
              ([key]) => !/^(?:connection|keep-alive|upgrade|proxy-.*|transfer-encoding|http2-settings)$/.test(key),
            )
            .flat(),
        )
      }),
    )
  })

  it('tell the length of a body only where it is a number', () => {
    assert.equal(declaredLength(fromRaw(['Content-Length', '12'])), 12)
    for (const text of ['', '-1', '1e3', '12a', '9'.repeat(20)])
      assert.equal(declaredLength(fromRaw(['content-length', text])), undefined)
  })
})
