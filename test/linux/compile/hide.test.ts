import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { denySteps, hideSteps } from '../../../src/linux/compile/hide.ts'

const MOUNTS = [{ destination: '/data', type: 'bind', source: '/srv' }]
const KERNEL = { maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys'] }

describe('what is hidden from a program', () => {
  it('has each directory above it held once, outer ones first, but for those that are mounts already', () => {
    const linux = { maskedPaths: ['/data/a/b/c', '/data/a/d'], readonlyPaths: ['/data/a/b/e', '/top'] }
    const steps = hideSteps({ ociVersion: '1.2.0', mounts: MOUNTS, linux })
    const held = steps.flatMap((step) => (step.do === 'hold' ? [step.target] : []))
    assert.deepEqual(held, ['/data/a', '/data/a/b'])
    assert.deepEqual(
      steps.map((step) => step.do),
      ['hold', 'hold', 'read-only', 'read-only', 'mask', 'mask'],
    )
  })

  it('holds nothing for files of the kernel, which modules do not even have', () => {
    const spec = { ociVersion: '1.2.0', linux: KERNEL }
    assert.deepEqual(
      hideSteps(spec).map((step) => step.do),
      ['read-only', 'mask'],
    )
    assert.deepEqual(denySteps(spec), [])
  })

  it('is closed to modules, not only empty', () => {
    assert.deepEqual(denySteps({ ociVersion: '1.2.0', linux: { maskedPaths: ['/secret'] } }), [
      { do: 'mask', target: '/secret', closed: true },
    ])
  })
})
