/** `wasi:filesystem`: descriptors on the files that preview 1 has, by paths that are walked the same way. */
import type { Clocks } from '../preview1/clocks.ts'
import type { Preopen } from '../preview1/given.ts'
import { Descriptor, DirectoryEntryStream } from './descriptor.ts'
import type { Interfaces } from './host.ts'
import type { IoError } from './streams.ts'

export function filesystem({
  preopens,
  clocks,
}: {
  readonly preopens: readonly Preopen[]
  readonly clocks: Clocks
}): Interfaces {
  return {
    'wasi:filesystem/preopens': {
      getDirectories: () =>
        preopens.map(({ name, directory, linkRoot }) => [
          new Descriptor(clocks, { open: directory.duplicate(), linkRoot, name }),
          name,
        ]),
    },
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: (error: IoError) => error.fileCode,
    },
  }
}
