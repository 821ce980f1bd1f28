import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  availablePlatforms,
  choosePlatform,
  formatPlatform,
  hostPlatform,
  parsePlatform,
  platformMatches,
} from '../../src/images/platform.ts'
import type { Descriptor, Platform } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'

const entry = (platform: string, annotations?: Record<string, string>): Descriptor => {
  const [os = '', architecture = '', variant] = platform.split('/')
  const value: Platform = { os, architecture, ...(variant !== undefined && { variant }) }
  const digest = digestOf(platform)
  return { mediaType: 'x', digest, size: 1, platform: value, ...(annotations && { annotations }) }
}
const chosen = (entries: readonly string[], wanted?: string) => {
  const found = choosePlatform(
    entries.map((one) => entry(one)),
    wanted === undefined ? undefined : parsePlatform(wanted),
  )
  return found?.platform && formatPlatform(found.platform)
}

describe('platforms', () => {
  it("are read in docker's short forms", () => {
    assert.equal(formatPlatform(parsePlatform('linux/x86_64')), 'linux/amd64')
    assert.equal(formatPlatform(parsePlatform('linux/aarch64')), 'linux/arm64')
    assert.equal(formatPlatform(parsePlatform('linux/arm64/v8')), 'linux/arm64')
    assert.equal(formatPlatform(parsePlatform('linux/arm')), 'linux/arm/v7')
    assert.equal(formatPlatform(parsePlatform('armhf')), 'linux/arm/v7')
    assert.equal(formatPlatform(parsePlatform('linux')), formatPlatform(hostPlatform()))
    assert.equal(formatPlatform(parsePlatform('linux/constructor')), 'linux/constructor')
    assert.throws(() => parsePlatform('constructor'), /unknown operating system or architecture/)
  })

  it('in one word are a system or an architecture that there is', () => {
    assert.throws(() => parsePlatform('amd46'), /unknown operating system or architecture/)
    for (const word of ['riscv64', 's390x', 'wasm32', 'windows', 'i386']) assert.doesNotThrow(() => parsePlatform(word))
  })

  it('of WebAssembly are one family', () => {
    for (const text of ['wasi/wasm', 'wasi/wasm32', 'wasi/wasm64', 'wasip1/wasm', 'wasip2/wasm', 'wasi']) {
      assert.equal(formatPlatform(parsePlatform(text)), 'wasi/wasm')
    }
    assert.equal(chosen(['linux/amd64', 'wasip1/wasm32'], 'wasi/wasm'), 'wasip1/wasm32')
  })

  it('are the best that runs: the highest ARM variant not above the wish', () => {
    const all = ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm64']
    assert.equal(chosen(all, 'linux/arm64'), 'linux/arm64')
    assert.equal(chosen(all.slice(0, 3), 'linux/arm64'), 'linux/arm/v7')
    assert.equal(chosen(all, 'linux/arm/v6'), 'linux/arm/v6')
    assert.equal(chosen(['linux/arm/v7'], 'linux/arm/v6'), undefined)
  })

  it('prefer native code to WebAssembly unless that is asked for, or all there is', () => {
    const host = formatPlatform(hostPlatform())
    assert.equal(chosen(['wasi/wasm', host]), host)
    assert.equal(chosen(['wasi/wasm', 'linux/s390x']), 'wasi/wasm')
    assert.equal(chosen(['wasi/wasm'], host), undefined)
  })

  it('leave attestations out', () => {
    const attestation = entry('unknown/unknown', { 'vnd.docker.reference.type': 'attestation-manifest' })
    assert.deepEqual(availablePlatforms([entry('linux/amd64'), attestation]), ['linux/amd64'])
    assert.equal(choosePlatform([attestation]), undefined)
  })

  it('match themselves, whatever they are', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    fc.assert(
      fc.property(name, name, (os, architecture) => {
        const platform = parsePlatform(`${os}/${architecture}`)
        assert(platformMatches(platform, platform))
        assert.deepEqual(parsePlatform(formatPlatform(platform)), platform)
      }),
    )
  })

  it('refuse what is none', () => {
    for (const text of ['', '/', 'a/b/c/d', 'linux/am d64', '../x'])
      assert.throws(() => parsePlatform(text), /invalid platform/)
  })
})
