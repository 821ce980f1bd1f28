import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { findInLayers, listInLayers, readLayerFile } from '../../../src/containers/spec/layer-files.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** Layers of an image, top-most first; a value that starts with `->` is a symbolic link. */
async function layersOf(...layers: Readonly<Record<string, string>>[]): Promise<string[]> {
  const root = await scratchDirectory()
  await writeFile(join(root, 'secret'), 'of the host')
  const paths: string[] = []
  for (const [index, files] of layers.entries()) {
    const layer = join(root, `layer${index}`)
    await mkdir(layer)
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(layer, path, '..'), { recursive: true })
      if (content.startsWith('->')) await symlink(content.slice(2), join(layer, path))
      else await writeFile(join(layer, path), content)
    }
    paths.push(layer)
  }
  return paths
}

describe('files in layers', () => {
  it('come from the top-most layer that has them', async () => {
    const layers = await layersOf({ 'etc/passwd': 'top' }, { 'etc/passwd': 'bottom', 'etc/group': 'group' })

    assert.equal(readLayerFile(layers, '/etc/passwd', 100), 'top')
    assert.equal(readLayerFile(layers, '/etc/group', 100), 'group')
    assert.equal(readLayerFile(layers, '/etc/shadow', 100), undefined)
  })

  it('are reached through links inside the image, across layers', async () => {
    const layers = await layersOf(
      { etc: '->/usr/etc' },
      { 'usr/etc/passwd': '->../share/passwd', 'usr/share/passwd': 'x' },
    )

    assert.equal(readLayerFile(layers, '/etc/passwd', 100), 'x')
  })

  for (const target of ['/secret', '../secret', '../../secret', '/layer0/../../secret', '../../../../../../secret'])
    it(`never follow a link ${target} out of the image`, async () => {
      const layers = await layersOf({ passwd: `->${target}`, 'etc/passwd': `->../${target}` })

      assert.equal(readLayerFile(layers, '/passwd', 100), undefined)
      assert.equal(readLayerFile(layers, '/etc/passwd', 100), undefined)
    })

  it('end at a loop of links', async () => {
    const layers = await layersOf({ a: '->b', b: '->a' })

    assert.equal(readLayerFile(layers, '/a', 100), undefined)
  })

  it('are not read when they are too large, or no files', async () => {
    const layers = await layersOf({ big: 'x'.repeat(101), 'directory/file': '' })

    assert.equal(readLayerFile(layers, '/big', 100), undefined)
    assert.equal(readLayerFile(layers, '/directory', 100), undefined)
  })

  it('are hidden by a file that took the place of their directory', async () => {
    const layers = await layersOf({ etc: 'no directory any more' }, { 'etc/passwd': 'below' })

    assert.equal(readLayerFile(layers, '/etc/passwd', 100), undefined)
  })

  it('are listed over all layers', async () => {
    const layers = await layersOf({ 'data/a': '' }, { 'data/b': '', 'data/a': '' })

    assert.deepEqual([...listInLayers(layers, '/data')].sort(), ['a', 'b'])
    assert.deepEqual(listInLayers(layers, '/data/a'), [])
  })

  it('are found as links when the last one shall not be followed', async () => {
    const layers = await layersOf({ link: '->/nowhere' })

    assert.equal(findInLayers(layers, '/link', { followLast: false })?.stats.isSymbolicLink(), true)
    assert.equal(findInLayers(layers, '/link'), undefined)
  })
})
