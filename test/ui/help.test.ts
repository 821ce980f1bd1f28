import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { commandHelp, rootHelp, topicHelp, usageLine } from '../../src/ui/help.ts'

const remove = {
  id: 'rmi',
  summary: 'Remove one or more images',
  aliases: ['image:rm'],
  args: { image: { required: true, multiple: true } },
  flags: {
    force: { type: 'boolean', char: 'f', description: 'Force removal\nof the image' },
    filter: { type: 'option', description: 'Filter', helpValue: 'filter' },
    secret: { type: 'boolean', hidden: true },
  },
  examples: ['<%= config.bin %> rmi busybox'],
} as const

describe('help', () => {
  it('of a command is laid out as docker’s', () => {
    assert.equal(
      commandHelp(remove),
      `Usage:  coracle rmi [OPTIONS] IMAGE [IMAGE...]

Remove one or more images

Aliases:
  coracle rmi, coracle image rm

Options:
      --filter filter   Filter
  -f, --force           Force removal
                        of the image

Examples:
  $ coracle rmi busybox`,
    )
  })

  it('shows what may be left out in brackets', () => {
    assert.equal(usageLine({ id: 'images', args: { name: {} } }), 'Usage:  coracle images [OPTIONS] [NAME]')
    const run = { id: 'run', strict: false, args: { image: { required: true }, command: {} } }
    assert.equal(usageLine(run), 'Usage:  coracle run [OPTIONS] IMAGE [COMMAND] [ARG...]')
  })

  it('of a topic lists its commands by their names there', () => {
    const text = topicHelp('image', 'Manage images', [
      remove,
      { id: 'image:tags', summary: 'List tags' },
      { id: 'run' },
    ])
    assert.match(text, /Commands:\n {2}rm {5}Remove one or more images\n {2}tags {3}List tags\n/)
  })

  it('of everything hides what is hidden', () => {
    const text = rootHelp([remove, { id: 'secret', hidden: true }], { image: 'Manage images' })
    assert(text.includes('rmi   Remove one or more images'))
    assert(!text.includes('secret'))
  })
})
