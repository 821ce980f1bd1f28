/** `node --test` */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PluginEngine } from 'coracle/plugin'
import command from './layers.ts'

const ROW = { RepoDigests: [], Created: 0, Size: 0, Labels: {}, Containers: 0 }
const IMAGES = [
  { ...ROW, Id: 'sha256:web', RepoTags: ['web:1'], RootFS: { Layers: ['sha256:aaaaaaaaaaaa', 'sha256:bbbbbbbbbbbb'] } },
  { ...ROW, Id: 'sha256:db', RepoTags: ['db:1'], RootFS: { Layers: ['sha256:aaaaaaaaaaaa'] } },
]

async function linesOf(flags: Record<string, boolean>): Promise<string[]> {
  const lines: string[] = []
  const list = async () => IMAGES
  const inspect = async (name: string) =>
    IMAGES.find(({ Id, RepoTags }) => Id === name || RepoTags.includes(name)) ?? {}
  const engine = { images: { list, inspect } } as unknown as PluginEngine
  await command.run({ name: 'layers', args: { image: 'web:1' }, flags, engine, print: (line) => lines.push(line) })
  return lines
}

it('names the images that share a layer', async () => {
  assert.deepEqual(await linesOf({}), ['0  aaaaaaaaaaaa  db:1', '1  bbbbbbbbbbbb'])
})

it('prints digests alone', async () => {
  assert.deepEqual(await linesOf({ quiet: true }), ['sha256:aaaaaaaaaaaa', 'sha256:bbbbbbbbbbbb'])
})
