import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { grantEnvironment, isBelow, parseConsent, parseGrantedPaths } from '../../../src/containers/parse/grants.ts'
import { InvalidArgument } from '../../../src/errors.ts'
import { scratchDirectory } from '../../support/scratch.ts'

describe('granted paths', () => {
  it('are binds at the same place, which can be changed or not', async () => {
    const scratch = await scratchDirectory()
    mkdirSync(join(scratch, 'in'))
    writeFileSync(join(scratch, 'out'), '')
    const { Mounts } = parseGrantedPaths({
      'allow-read': [join(scratch, 'in/')],
      'allow-write': [join(scratch, 'x/../out')],
    })
    assert.deepEqual(Mounts, [
      { Type: 'bind', Source: join(scratch, 'in'), Target: join(scratch, 'in'), ReadOnly: true },
      { Type: 'bind', Source: join(scratch, 'out'), Target: join(scratch, 'out'), ReadOnly: false },
    ])
  })

  it('are written to when they lie in what may be written to', () => {
    const { Mounts } = parseGrantedPaths({ 'allow-read': ['/etc/ssl,/etc'], 'allow-write': ['/etc'] })
    assert.deepEqual(
      Mounts.map(({ Target, ReadOnly }) => [Target, ReadOnly]),
      [['/etc', false]],
    )
  })

  it('must be there, and are never the root', () => {
    for (const path of ['/no/such/file', '/', '/etc/..', '/etc/\0'])
      assert.throws(() => parseGrantedPaths({ 'allow-read': [path] }), InvalidArgument, path)
  })

  it('lie below a directory by whole names only', () => {
    assert(isBelow('/a/b', '/a') && isBelow('/a', '/a') && isBelow('/a', '/'))
    assert(!isBelow('/ab', '/a') && !isBelow('/', '/a'))
  })
})

describe('granted variables', () => {
  const host = { HOME: '/root', TOKEN: 'secret', AWS_KEY: 'k', AWS_ID: 'i' }

  it('are those that are named, or that begin as is said', () => {
    assert.deepEqual(grantEnvironment({ 'allow-env': ['TOKEN,MISSING'] }, [], host), ['TOKEN=secret'])
    assert.deepEqual(grantEnvironment({ 'allow-env': ['AWS_*'] }, [], host), ['AWS_KEY=k', 'AWS_ID=i'])
    assert.deepEqual(grantEnvironment({}, [], host), [])
    assert.deepEqual(grantEnvironment({ 'allow-env': [''] }, [], host), [], 'what the image asks for is not known yet')
  })

  it('give way to those that are set, and to denials', () => {
    const flags = { 'allow-env': ['TOKEN,AWS_*'], 'deny-env': ['AWS_KEY'] }
    assert.deepEqual(grantEnvironment(flags, ['TOKEN=other', 'AWS_KEY=x', 'OWN=1'], host), [
      'TOKEN=other',
      'AWS_ID=i',
      'OWN=1',
    ])
  })

  it('are never others of the host than those that are named', () => {
    const name = fc.stringMatching(/^[A-Z_]{1,6}$/)
    const all = fc.dictionary(name, fc.string())
    fc.assert(
      fc.property(all, fc.array(name), fc.array(name), (environment, allowed, denied) => {
        const given = grantEnvironment({ 'allow-env': [allowed.join()], 'deny-env': [denied.join()] }, [], environment)
        for (const entry of given) {
          const variable = entry.slice(0, entry.indexOf('='))
          assert(allowed.includes(variable) && !denied.includes(variable))
          assert.equal(entry, `${variable}=${environment[variable]}`)
        }
      }),
    )
  })

  it('have names', () => {
    assert.throws(() => grantEnvironment({ 'allow-env': ['A=b'] }, [], host), InvalidArgument)
  })
})

describe('consent', () => {
  it('is given and refused by flags without a value', () => {
    const { granted, denied } = parseConsent({ 'allow-read': ['', '/etc'], 'allow-env': ['A'], 'deny-write': [''] })
    assert.deepEqual([...granted], ['read'])
    assert.deepEqual([...denied], ['write'])
    assert(parseConsent({ 'allow-all': true }).all)
  })
})
