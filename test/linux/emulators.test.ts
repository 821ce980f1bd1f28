import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { findEmulator } from '../../src/linux/emulators.ts'
import { scratchDirectory } from '../support/scratch.ts'

describe('findEmulator', () => {
  it('takes those alone that work in containers: enabled, and opened when they were registered', async () => {
    const directory = await scratchDirectory()
    const register = (name: string, state: string, flags: string) =>
      writeFileSync(
        join(directory, name),
        `${state}\ninterpreter /usr/libexec/qemu\nflags: ${flags}\noffset 0\nmagic 7f454c46\n`,
      )
    register('qemu-aarch64', 'enabled', 'POCF')
    register('qemu-arm', 'enabled', 'OC')
    register('qemu-riscv64', 'disabled', 'F')
    register('qemu-s390x-static', 'enabled', 'F')
    const found = ['arm64', 'arm', 'riscv64', 's390x', 'ppc64le', 'z80'].map((one) => findEmulator(one, directory))
    assert.deepEqual(found, ['fixed', 'by-path', undefined, 'fixed', undefined, undefined])
  })

  it('finds nothing where binfmt_misc is not mounted', () => {
    assert.equal(findEmulator('arm64', '/no/such/directory'), undefined)
  })
})
