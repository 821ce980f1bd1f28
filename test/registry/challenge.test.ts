import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseChallenges } from '../../src/registry/challenge.ts'

describe('parseChallenges', () => {
  it('reads several challenges in one header, commas inside quotes included', () => {
    const header =
      'Basic realm="a, b", Bearer realm="https://auth.example/token",service="reg \\"x\\"",scope="repository:a/b:pull,push"'
    assert.deepEqual(parseChallenges(header), [
      { scheme: 'basic', parameters: { realm: 'a, b' } },
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example/token', service: 'reg "x"', scope: 'repository:a/b:pull,push' },
      },
    ])
  })

  it('reads several headers, and values without quotes', () => {
    assert.deepEqual(parseChallenges(['Negotiate', 'Basic realm=registry']), [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'registry' } },
    ])
  })

  it('keeps the first of a parameter that is given twice', () => {
    assert.equal(parseChallenges('Bearer realm="good", realm="evil"')[0]?.parameters['realm'], 'good')
  })

  it('gives back whatever quoted values it is given', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const quoted = value.replace(/["\\]/g, '\\$&')
        assert.equal(parseChallenges(`Bearer realm="${quoted}", service=x`)[0]?.parameters['realm'], value)
      }),
    )
  })

  it('never throws, whatever the other side sends', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseChallenges(text)))
    assert.deepEqual(parseChallenges(undefined), [])
  })
})
