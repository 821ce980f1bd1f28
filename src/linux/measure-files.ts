/** How much is in a directory that containers write to. */
import { treeBytes } from '../util/tree-bytes.ts'

const FILE = 0o100000
const TYPE = 0o170000

/** Sum of the sizes of its files, also of those that only other users of an ordinary user's namespace may see. */
export async function measureFiles(directory: string): Promise<number> {
  try {
    return await treeBytes(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    return measureInside(directory)
  }
}

async function measureInside(directory: string): Promise<number> {
  const { readTree } = await import('./archive.ts')
  const { userIdMaps } = await import('./id-mappings.ts')
  let sum = 0
  const sink = {
    entry: ({ mode, hardLink, sizeBytes }: { mode: number; hardLink: string; sizeBytes: number }) => {
      if ((mode & TYPE) === FILE && hardLink === '') sum += sizeBytes
    },
    data: () => {},
    end: () => {},
    flush: async () => {},
  }
  await readTree(directory, '', { follow: false, content: false, idMaps: userIdMaps(), sink })
  return sum
}
