import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseCommandLine } from '../../src/ui/command-line.ts'
import { createFlags } from '../../src/ui/run-flags.ts'

const read = (...words: string[]) => {
  const { flags, positional } = parseCommandLine(words, { flags: createFlags, stopAtFirstArgument: true })
  return { deny: flags['deny-net'], allow: flags['allow-net'], positional }
}

describe('the flags of run and create', () => {
  it('leave the image to --deny-net, which takes the next word only if that can be none', () => {
    const images = [
      'busybox',
      'busybox:1.36',
      'localhost:5000/a',
      'a.example/b@sha256:0',
      './m.wasm',
      '10.0.0.1:5000/a',
      '10.0.0.1/a',
    ]
    for (const image of images)
      assert.deepEqual(read('--deny-net', image, 'sh'), { deny: [''], allow: undefined, positional: [image, 'sh'] })
    for (const rule of [
      '10.0.0.1',
      '10.0.0.1:80',
      '10.0.0.0/8',
      '10.0.0.0/8:53/udp',
      '*.example',
      '[::1]:80',
      'a.example,b:80/tcp',
    ])
      assert.deepEqual(read('--deny-net', rule, 'image'), { deny: [rule], allow: undefined, positional: ['image'] })
    assert.deepEqual(read('--deny-net=name', '--deny-net', '-t', 'image').deny, ['name', ''])
  })

  it('give --allow-net the next word, unless it is a flag or a path', () => {
    assert.deepEqual(read('--allow-net', 'name:80', 'image'), {
      deny: undefined,
      allow: ['name:80'],
      positional: ['image'],
    })
    assert.deepEqual(read('--allow-net', './m.wasm'), { deny: undefined, allow: [''], positional: ['./m.wasm'] })
  })
})
