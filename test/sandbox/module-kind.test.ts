import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readModuleFacts } from '../../src/sandbox/module-kind.ts'
import { moduleFromText } from '../support/wasm.ts'

const MEMORY = '(memory (export "memory") 1)'

describe('readModuleFacts', () => {
  const kinds: readonly (readonly [kind: string, text: string])[] = [
    [
      'command',
      `(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) ${MEMORY} (func (export "_start")))`,
    ],
    ['reactor', `(module ${MEMORY} (func (export "_initialize")) (func (export "add") (result i32) i32.const 1))`],
    ['preview0', `(module (import "wasi_unstable" "proc_exit" (func (param i32))) ${MEMORY} (func (export "_start")))`],
    [
      'threads',
      '(module (import "env" "memory" (memory 1 2 shared)) (import "wasi" "thread-spawn" (func (param i32) (result i32))) (func (export "_start")))',
    ],
  ]
  for (const [kind, text] of kinds) {
    it(`tells a ${kind}`, async () => {
      assert.equal(readModuleFacts(await moduleFromText(text)).kind, kind)
    })
  }

  it('reads imports past every kind of them, and exports', async () => {
    const text = `(module (import "a" "f" (func)) (import "b" "t" (table 1 2 funcref)) (import "c" "m" (memory 1)) (import "d" "g" (global i32)) (func (export "_start")))`
    const { imports, exports } = readModuleFacts(await moduleFromText(text))
    assert.deepEqual(imports, ['a.f', 'b.t', 'c.m', 'd.g'])
    assert.deepEqual(exports, ['_start'])
  })

  it('reads the limits of a memory that is imported', async () => {
    const text = '(module (import "a" "f" (func)) (import "env" "memory" (memory 3 500 shared)))'
    const shared = { module: 'env', name: 'memory', minPages: 3, maxPages: 500, shared: true }
    assert.deepEqual(readModuleFacts(await moduleFromText(text)).memory, shared)
    const plain = readModuleFacts(await moduleFromText('(module (import "m" "n" (memory 7)))')).memory
    assert.deepEqual(plain, { module: 'm', name: 'n', minPages: 7, maxPages: undefined, shared: false })
  })

  it('tells components, text, and what is neither', () => {
    assert.equal(readModuleFacts(Buffer.from('0061736d0d000100', 'hex')).kind, 'component')
    assert.equal(readModuleFacts(Buffer.from('  (module)')).kind, 'text')
    for (const other of ['', '#!/bin/sh', '\x7fELF', '\0asm'])
      assert.equal(readModuleFacts(Buffer.from(other)).kind, 'unknown')
  })

  it('never throws, whatever the bytes', async () => {
    const good = await moduleFromText(kinds[0]?.[1] ?? '')
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(good)
      copy[at] = byte
      return copy
    })
    const cut = fc.nat(good.length).map((size) => good.subarray(0, size))
    fc.assert(
      fc.property(
        fc.oneof(
          damaged,
          cut,
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => void readModuleFacts(bytes),
      ),
    )
  })
})
