/** What a container takes on the disk beyond its image. */
import { join } from 'node:path'
import { ImageNotFound } from '../images/errors.ts'
import type { ImageStore } from '../images/types.ts'
import { measureFiles } from '../linux/measure-files.ts'
import { containerDirectory, type Paths } from '../paths.ts'

/** Bytes of the files written into the container. A hard link counts once, what vanishes meanwhile not at all. */
export async function writtenBytes(paths: Paths, id: string): Promise<number> {
  return measureFiles(join(containerDirectory(paths, id), 'upper'))
}

/** Unpacked; 0 when the image was removed by force. */
export async function imageBytes(images: Pick<ImageStore, 'inspect'>, image: string): Promise<number> {
  try {
    return (await images.inspect(image)).Size
  } catch (error) {
    if (error instanceof ImageNotFound) return 0
    throw error
  }
}
