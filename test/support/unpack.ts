/** A root to unpack layers into, and a directory of the host beside it that no layer may ever reach. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { UnpackedLayer, UnpackOptions } from '../../src/images/layers/types.ts'
import { unpackLayer } from '../../src/images/layers/unpack.ts'
import { OCI_LAYER } from '../../src/oci/media-types.ts'
import { scratchDirectory } from './scratch.ts'
import { sha256, type TarEntry, tarOf } from './tar.ts'

export interface UnpackScratch {
  readonly root: string
  readonly outside: string
  /** A layer of these entries, or of an archive as it is. */
  unpack(layer: readonly TarEntry[] | Buffer, options?: Partial<UnpackOptions>): Promise<UnpackedLayer>
  read(path: string): Promise<string>
  assertHostUntouched(): Promise<void>
}

export async function makeUnpackScratch(native?: UnpackOptions['native']): Promise<UnpackScratch> {
  const scratch = await scratchDirectory()
  const root = join(scratch, 'root')
  const outside = join(scratch, 'outside')
  await mkdir(root)
  await mkdir(outside)
  await writeFile(join(outside, 'passwd'), 'the host')
  return {
    root,
    outside,
    unpack: async (layer, options) => {
      const tar = Buffer.isBuffer(layer) ? layer : tarOf(layer as readonly TarEntry[])
      const blob = Readable.from([tar])
      return await unpackLayer({ blob, mediaType: OCI_LAYER, diffID: sha256(tar), target: root, native, ...options })
    },
    read: (path) => readFile(join(root, path), 'utf8'),
    assertHostUntouched: async () => {
      assert.equal(await readFile(join(outside, 'passwd'), 'utf8'), 'the host')
      assert.deepEqual(await readdir(outside), ['passwd'])
      assert.deepEqual((await readdir(scratch)).toSorted(), ['outside', 'root'])
    },
  }
}

/** Extended attributes that a layer may have set, `name=value` a line. */
export function attributesOf(path: string): string {
  const pattern = '^(user|trusted|security.capability)'
  const dump = execFileSync('getfattr', ['-h', '-d', '-m', pattern, '--absolute-names', path], { encoding: 'utf8' })
  return dump
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll('"', ''))
    .join('\n')
}
