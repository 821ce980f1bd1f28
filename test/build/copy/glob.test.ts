import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { expandPattern, patternOf } from '../../../src/build/copy/glob.ts'
import type { FileTree } from '../../../src/build/copy/tree.ts'
import { CopyFailed } from '../../../src/build/errors.ts'
import { byteString } from '../../../src/linux/apply.ts'

/** A tree of names alone: no links, no content. */
function treeOf(...files: string[]): FileTree {
  const paths = new Set(['', ...files.map(byteString).flatMap(withParents)])
  const isDirectory = (path: string) => path === '' || [...paths].some((one) => one.startsWith(`${path}/`))
  return {
    source: undefined,
    resolve: (path) => (paths.has(path) ? { path, isDirectory: isDirectory(path) } : undefined),
    names: (directory) => {
      const prefix = directory === '' ? '' : `${directory}/`
      const below = [...paths].filter((path) => path !== '' && path.startsWith(prefix))
      return below.map((path) => path.slice(prefix.length)).filter((rest) => rest !== '' && !rest.includes('/'))
    },
    digest: async () => '',
    copy: async () => true,
  }
}

const withParents = (path: string) => path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))

describe('expandPattern', () => {
  const tree = treeOf('a.txt', 'b.txt', 'dir/one', 'dir/two', 'dir/deep/one', '[x]', 'ä.txt')
  const expand = (pattern: string, deep = false) => expandPattern(tree, pattern, { deep })

  for (const [pattern, found] of [
    ['*.txt', ['a.txt', 'b.txt', 'ä.txt']],
    ['?.txt', ['a.txt', 'b.txt', 'ä.txt']],
    ['[a-b].txt', ['a.txt', 'b.txt']],
    ['[^a].txt', ['b.txt', 'ä.txt']],
    ['dir/*', ['dir/deep', 'dir/one', 'dir/two']],
    ['*/one', ['dir/one']],
    ['d*r/t[a-z]o', ['dir/two']],
    ['\\[x\\]', ['[x]']],
    ['none*', []],
    ['**/one', ['dir/one']],
  ] as const)
    it(`finds ${JSON.stringify(found)} by ${pattern}`, () => {
      assert.deepEqual(
        expand(pattern).map((path) => Buffer.from(path, 'latin1').toString()),
        found,
      )
    })

  it('finds a name again by the pattern that it makes, of whatever bytes it is', () => {
    for (const name of ['a*b', '[x]', 'a\\b', 'ä.txt', 'no\xfftext'].map((one) => Buffer.from(one, 'latin1'))) {
      const one: FileTree = { ...tree, names: () => ['other', name.toString('latin1')] }
      assert.deepEqual(expandPattern(one, patternOf(name.toString()), { deep: false }), [name.toString('latin1')])
    }
  })

  it('spans any depth with two stars, where that is wanted', () => {
    assert.deepEqual(expand('**/one', true), ['dir/deep/one', 'dir/one'])
  })

  it('refuses what is no pattern', () => {
    for (const pattern of ['[', '[a', '[a-', 'x\\', '[]']) assert.throws(() => expand(pattern), CopyFailed, pattern)
  })

  it('takes no longer than its words and names are long, whatever a stranger writes', () => {
    const long = treeOf('a'.repeat(255))
    assert.deepEqual(expandPattern(long, `${'*a'.repeat(120)}b`, { deep: false }), [])
  })

  it('finds every name by itself, with its special characters escaped', () => {
    const name = fc.stringMatching(/^[a-z*?[\]\\-]{1,12}$/)
    fc.assert(
      fc.property(name, (text) => {
        const pattern = text.replace(/[*?[\]\\]/g, '\\$&')
        assert.deepEqual(expandPattern(treeOf(text), pattern, { deep: false }), [text])
      }),
    )
  })
})
