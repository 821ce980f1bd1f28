import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'mocha'
import { readFrames } from '../../src/plugins/frames.ts'

describe('readFrames', () => {
  const feed = (chunks: readonly string[], maxBytes = 100) => {
    const socket = new Socket()
    const taken: unknown[] = []
    const failed: string[] = []
    readFrames(socket, { maxBytes, take: (frame) => taken.push(frame), fail: (reason) => failed.push(reason) })
    for (const chunk of chunks) socket.emit('data', Buffer.from(chunk))
    socket.destroy()
    return { taken, failed }
  }

  it('takes documents however they are cut', () => {
    assert.deepEqual(feed(['{"a":', '1}\n[2]', '\n"ü', '"\n3']).taken, [{ a: 1 }, [2], 'ü'])
  })

  it('fails at a line that is too long, also when its end never comes', () => {
    assert.deepEqual(feed(['1\n', 'x'.repeat(60), 'x'.repeat(60)]), {
      taken: [1],
      failed: ['it sent more than 100 bytes at once'],
    })
  })

  it('fails at what is no JSON and takes nothing behind it', () => {
    assert.deepEqual(feed(['nonsense\n1\n']), { taken: [], failed: ['it sent what is no JSON'] })
  })
})
