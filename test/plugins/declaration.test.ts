import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readDeclaration } from '../../src/plugins/declaration.ts'
import { PluginInvalid } from '../../src/plugins/errors.ts'

const LEAST = { contract: '^1.0.0', summary: 'x' }
const read = (value: unknown) => readDeclaration(value, 'file.ts', 'file')

describe('readDeclaration', () => {
  it('fills in what is missing, and reads again what it has read', () => {
    const declaration = read({ ...LEAST, flags: { all: { type: 'boolean', char: 'a' } }, permissions: ['net', 'net'] })
    assert.equal(declaration.name, 'file')
    assert.deepEqual(declaration.permissions, ['net'])
    assert.deepEqual(read(JSON.parse(JSON.stringify(declaration))), declaration)
  })

  it('leaves out what it does not know', () => {
    assert(!('evil' in read({ ...LEAST, evil: 1 })))
  })

  it('says what is wrong', () => {
    const wrong: [object, RegExp][] = [
      [{ ...LEAST, contract: undefined }, /contract must be a text/],
      [{ ...LEAST, summary: 'two\nlines' }, /summary must be one line/],
      [{ ...LEAST, summary: 'x'.repeat(201) }, /summary is longer than 200/],
      [{ ...LEAST, name: '../evil' }, /cannot be the name of a command/],
      [{ ...LEAST, name: '__proto__' }, /cannot be the name of a command/],
      [{ ...LEAST, permissions: ['everything'] }, /asks for 'everything'/],
      [{ ...LEAST, permissions: ['read=*'] }, /asks for/],
      [{ ...LEAST, flags: { a: { type: 'number' } } }, /flags\.a\.type/],
      [{ ...LEAST, flags: { a: { type: 'option', default: true } } }, /default does not fit/],
      [{ ...LEAST, flags: { a: { type: 'boolean', char: 'long' } } }, /one letter/],
      [{ ...LEAST, args: JSON.parse('{"__proto__": {}}') as object }, /args has an entry named/],
      [{ ...LEAST, description: 'a\u001b[2J' }, /a terminal obeys: a\\u001b\[2J/],
    ]
    for (const [value, reason] of wrong) assert.throws(() => read(value), reason)
  })

  it('answers whatever it gets with a declaration or a refusal', () => {
    const part = fc.anything({ maxDepth: 3 })
    const parts = fc.record({ contract: part, summary: part, args: part, flags: part, permissions: part, name: part })
    fc.assert(
      fc.property(fc.oneof(part, parts), (value) => {
        try {
          read(value)
        } catch (error) {
          assert(error instanceof PluginInvalid, String(error))
        }
      }),
    )
  })
})
