/** What an image is made of, and what its layers have in common with those of others. `coracle plugins add layers.ts` */
import type { Command } from 'coracle/plugin'

interface Image {
  readonly Id: string
  readonly RepoTags?: readonly string[]
  readonly RootFS: { readonly Layers: readonly string[] }
}

export default {
  contract: '^1.0.0',
  summary: 'Show the layers of an image and who shares them',
  args: { image: { description: 'Name or ID', required: true } },
  flags: { quiet: { type: 'boolean', char: 'q', description: 'Print digests alone' } },
  permissions: ['engine:read'],
  async run({ args, flags, engine, print }) {
    const { Id, RootFS } = (await engine.images.inspect(String(args['image']))) as Image
    if (flags['quiet']) return RootFS.Layers.forEach(print)
    const others: Image[] = []
    for (const summary of await engine.images.list())
      if (summary.Id !== Id) others.push((await engine.images.inspect(summary.Id)) as Image)
    for (const [index, layer] of RootFS.Layers.entries()) {
      const sharing = others.filter((each) => each.RootFS.Layers.includes(layer))
      const names = sharing.map((each) => each.RepoTags?.[0] ?? each.Id.slice(7, 19))
      print(`${index}  ${layer.slice(7, 19)}  ${names.join(', ')}`.trimEnd())
    }
  },
} satisfies Command
