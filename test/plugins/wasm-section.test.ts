import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { PluginInvalid } from '../../src/plugins/errors.ts'
import { readWasmDeclaration, SECTION } from '../../src/plugins/wasm-section.ts'

const HEADER = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])

/** Lengths below 128, which are one byte. */
function custom(name: string, content: string): Buffer {
  const inside = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(content)])
  return Buffer.concat([Buffer.from([0, inside.length]), inside])
}

describe('readWasmDeclaration', () => {
  it('finds the section behind others', () => {
    const module = Buffer.concat([HEADER, custom('name', 'x'), custom(SECTION, '{"summary":"hi"}'), custom('z', '')])
    assert.deepEqual(readWasmDeclaration(module, 'a.wasm'), { summary: 'hi' })
  })

  it('says what is missing', () => {
    const read = (bytes: Buffer) => () => readWasmDeclaration(bytes, 'a.wasm')
    assert.throws(read(Buffer.from('#!/bin/sh\necho')), /no WebAssembly module/)
    assert.throws(read(HEADER), /no section coracle\.command/)
    assert.throws(read(Buffer.concat([HEADER, custom(SECTION, '{')])), /is no JSON/)
    assert.throws(read(Buffer.concat([HEADER, Buffer.from([0, 100, 1])])), /cut off/)
  })

  it('ends with an answer whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          readWasmDeclaration(Buffer.concat([HEADER, bytes]), 'a.wasm')
        } catch (error) {
          assert(error instanceof PluginInvalid)
        }
      }),
    )
  })
})
