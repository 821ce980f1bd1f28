/** Programs of other architectures, run by an emulator that the kernel starts for them (binfmt_misc). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names as Debian's qemu-user-static and the usual installers register them. */
const EMULATORS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amd64: 'x86_64',
    arm64: 'aarch64',
    arm: 'arm',
    '386': 'i386',
    loong64: 'loongarch64',
    mips64le: 'mips64el',
    ppc64le: 'ppc64le',
    riscv64: 'riscv64',
    s390x: 's390x',
  }),
)

const HANDLERS = '/proc/sys/fs/binfmt_misc'

/**
 * Whether one is registered that works in containers: `fixed` has been opened when it was registered (the flag F); any other
 * is looked for in the container's own files, where it is not.
 *
 * @param directory - where binfmt_misc is mounted
 */
export function findEmulator(architecture: string, directory = HANDLERS): 'fixed' | 'by-path' | undefined {
  const name = EMULATORS.get(architecture)
  if (name === undefined) return undefined
  const found = [`qemu-${name}`, `qemu-${name}-static`].map((file) => readHandler(join(directory, file)))
  return found.includes('fixed') ? 'fixed' : found.find((one) => one !== undefined)
}

/** Those that work in containers. */
export function emulatedArchitectures(directory = HANDLERS): readonly string[] {
  return [...EMULATORS.keys()].filter((architecture) => findEmulator(architecture, directory) === 'fixed')
}

/** Linux, Documentation/admin-guide/binfmt-misc.rst. */
function readHandler(path: string): 'fixed' | 'by-path' | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined
    throw error
  }
  if (!text.startsWith('enabled\n')) return undefined
  return /^flags: [A-Z]*F/m.test(text) ? 'fixed' : 'by-path'
}
