import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readModuleFacts } from '../../src/sandbox/module-kind.ts'
import { componentFromText } from '../support/component.ts'

const TEXT = `(component
  (type $t (list u8))
  (import "wasi:cli/stdout@0.2.3" (instance $i (export "t" (type (sub resource)))))
  (import "plain" (func $f (param "x" u32) (result string)))
  (import "some-type" (type (eq $t)))
  (import "a-resource" (type (sub resource)))
  (import "a-component" (component))
  (import "unlocked-dep=<a:b>" (core module (export "f" (func))))
  (component $inner (import "not-ours" (func)))
  (export "wasi:cli/run@0.2.3" (instance $i))
  (export "f" (func $f) (func (param "x" u32) (result string))))`

describe('readComponentFacts', () => {
  it('names the top-level imports and exports of every kind', async () => {
    const { kind, imports, exports } = readModuleFacts(await componentFromText(TEXT))
    assert.equal(kind, 'component')
    assert.deepEqual(imports, [
      ...['wasi:cli/stdout@0.2.3', 'plain', 'some-type', 'a-resource', 'a-component', 'unlocked-dep=<a:b>'],
    ])
    assert.deepEqual(exports, ['wasi:cli/run@0.2.3', 'f'])
  })

  it('takes no component that is cut, and never throws', async () => {
    const good = await componentFromText(TEXT)
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => good.with(at, byte))
    fc.assert(fc.property(damaged, (bytes) => void readModuleFacts(Buffer.from(bytes))))
    assert.equal(readModuleFacts(good.subarray(0, good.length - 1)).kind, 'unknown')
  })
})
