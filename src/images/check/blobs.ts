/** Every blob of the store against the digest that is its name. */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { type Digest, digestHex } from '../../oci/digest.ts'
import { type CheckOptions, type Finding, mendable, type RoomReport } from '../../state/findings.ts'
import { setAside } from '../../state/lost-and-found.ts'
import { blobPath, finishDigest, hashFor, listBlobs } from '../blobs.ts'
import type { ImageContext } from '../context.ts'

export async function checkBlobs(context: ImageContext, options: CheckOptions): Promise<RoomReport> {
  const digests = listBlobs(context.paths)
  const findings: Finding[] = []
  for (const [index, digest] of digests.entries()) {
    options.onProgress?.('Checking blobs', index, digests.length)
    options.signal?.throwIfAborted()
    if (options.quick) continue
    const damage = await damageOf(context, digest, options.signal)
    if (damage !== undefined) findings.push(await takeAway(context, { digest, ...damage }, options))
  }
  return { checked: { blobs: digests.length }, findings }
}

interface Damage {
  readonly problem: string
  readonly inode: number
}

async function damageOf(
  { paths }: ImageContext,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Damage | undefined> {
  const path = blobPath(paths, digest)
  let inode = 0
  try {
    inode = statSync(path).ino
    const hash = hashFor(digest)
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk)
    const found = finishDigest(digest, hash)
    return found === digest ? undefined : { problem: `its content has another digest, ${found}`, inode }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined // collected meanwhile
    if (code === 'EIO') return { problem: 'the disk cannot read it', inode }
    throw error
  }
}

/** Content that is not what it is taken for helps nobody where it is: without it, a pull fetches it again. */
export function takeAway(
  { paths }: Pick<ImageContext, 'paths'>,
  { digest, problem, inode }: { digest: Digest; problem: string; inode?: number },
  options: Pick<CheckOptions, 'repair'>,
): Promise<Finding> {
  const repair = 'moved to lost+found, so that a pull fetches it again'
  return mendable(options, { kind: 'damaged-blob', subject: digest, problem, repair }, async () => {
    const path = blobPath(paths, digest)
    // Exchanged for a good one, or gone, while it was being read.
    if (!existsSync(path) || (inode !== undefined && statSync(path).ino !== inode)) return true
    setAside(paths, path, `blob-${digestHex(digest)}`)
    return true
  })
}
