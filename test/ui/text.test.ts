import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { closest } from '../../src/ui/closest.ts'
import { neutralise, writeLine } from '../../src/ui/text.ts'

describe('neutralise', () => {
  it('shows what a terminal would obey, and keeps line breaks and tabs', () => {
    assert.equal(neutralise('a\u001b[31m\tb\nc\u009b\u202e'), 'a\\u001b[31m\tb\nc\\u009b\\u202e')
  })

  it('leaves no control character in any text, and other text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(neutralise(text), /(?![\n\t])\p{Cc}/u)
        if (!/[\p{Cc}\p{Bidi_Control}]/u.test(text)) assert.equal(neutralise(text), text)
      }),
    )
  })
})

describe('writeLine', () => {
  const write = (isTTY: boolean) => {
    let written = ''
    writeLine({ isTTY, write: (text) => (written += text) }, 'a\u0007')
    return written
  }
  it('is honest to programs and careful with terminals', () => {
    assert.equal(write(false), 'a\u0007\n')
    assert.equal(write(true), 'a\\u0007\n')
  })
})

describe('closest', () => {
  it('finds the word that was meant, and keeps silent about words that are far', () => {
    assert.equal(closest('imgaes', ['images', 'import', 'run']), 'images')
    assert.equal(closest('image lst', ['image ls', 'image rm']), 'image ls')
    assert.equal(closest('xyzzy', ['images', 'run']), undefined)
  })
})
