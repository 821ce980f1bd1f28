import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { complete, type Surface } from '../../src/ui/complete.ts'

const SURFACE: Surface = {
  topics: { image: 'Manage images' },
  commands: {
    images: { id: 'images', summary: 'List images', aliases: ['image:ls'] },
    'image:prune': { id: 'image:prune', summary: 'Remove unused images' },
    'internal:secret': { id: 'internal:secret', hidden: true },
    plugins: { id: 'plugins', summary: 'List plugins' },
    'plugins:add': { id: 'plugins:add', summary: 'Add', args: { file: {} } },
    rm: { id: 'rm', args: { container: { multiple: true } }, flags: { force: { type: 'boolean', char: 'f' } } },
    run: {
      id: 'run',
      args: { image: {}, command: {} },
      stopAtFirstArgument: true,
      flags: {
        interactive: { type: 'boolean', char: 'i' },
        network: { type: 'option', description: 'Connect it (bridge|none|NAME)' },
        pull: { type: 'option', description: 'Pull before (always|missing|never)' },
        env: { type: 'option', char: 'e' },
        secret: { type: 'boolean', hidden: true },
      },
    },
  },
}

describe('complete', () => {
  const words = (...typed: string[]): string[] => complete(typed, SURFACE).candidates.map(({ word }) => word)
  const wanted = (...typed: string[]) => complete(typed, SURFACE).wanted

  it('knows commands and topics, and none that are hidden', () => {
    assert.deepEqual(words(''), ['help', 'image', 'images', 'plugins', 'rm', 'run'])
    assert.deepEqual(words('-D', 'im'), ['image', 'images'])
    assert.deepEqual(complete(['im'], SURFACE).candidates[0], { word: 'image', description: 'Manage images' })
    assert.deepEqual(words('image', ''), ['ls', 'prune'])
    assert.deepEqual(words('help', 'r'), ['rm', 'run'])
    assert.deepEqual(words('help', 'image', 'l'), ['ls'])
    assert.deepEqual(words('plugins', ''), ['add'])
    assert.deepEqual(words('nonsense', ''), [])
  })

  it('knows flags, and their values where the command names them', () => {
    assert.deepEqual(words('run', '--'), ['--env', '--help', '--interactive', '--network', '--pull'])
    assert.deepEqual(words('run', '--pull', ''), ['always', 'missing', 'never'])
    assert.deepEqual(complete(['run', '--pull=m'], SURFACE), {
      candidates: [{ word: 'missing', description: '' }],
      prefix: '--pull=',
      wanted: undefined,
    })
    assert.equal(wanted('run', '--network', ''), 'network')
    assert.equal(wanted('run', '-e', ''), 'file')
    assert.equal(wanted('run', '-ie', ''), 'file')
    assert.deepEqual(words('run', '--unknown=x'), [])
  })

  it('knows what an argument names', () => {
    assert.equal(wanted('run', ''), 'image')
    assert.equal(wanted('run', '-i', '-e', 'A=b', ''), 'image')
    assert.equal(wanted('run', '-eA=b', ''), 'image')
    assert.equal(wanted('rm', '-f', 'one', 'two', ''), 'container')
    assert.equal(wanted('plugins', 'add', ''), 'file')
    assert.equal(wanted('image', 'ls', ''), undefined)
  })

  it('leaves the words of what runs in a container alone', () => {
    assert.deepEqual(words('run', 'busybox', 'ls', '-'), [])
    assert.equal(wanted('run', 'busybox', 'ls', '-l', ''), 'file')
  })
})
