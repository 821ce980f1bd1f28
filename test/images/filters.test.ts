import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseImageFilters, referenceMatches } from '../../src/images/filters.ts'
import { hasLabel } from '../../src/util/filters.ts'

describe('image filters', () => {
  it("are docker's, and nothing else", () => {
    assert.deepEqual(parseImageFilters(['label=a=b', 'label!=c', 'dangling=true', 'until=24h', 'reference=x*']), {
      labels: ['a=b'],
      labelsNot: ['c'],
      references: ['x*'],
      dangling: true,
      until: '24h',
    })
    assert.throws(() => parseImageFilters(['colour=red']), /invalid filter 'colour'/)
    assert.throws(() => parseImageFilters(['dangling']), /bad format of filter/)
    assert.throws(() => parseImageFilters(['dangling=perhaps']), /dangling=perhaps/)
  })

  it('match names with and without their tag, and stars stop at slashes', () => {
    const cases: [string, string, boolean][] = [
      ['docker.io/library/busybox:1.36', 'busybox', true],
      ['docker.io/library/busybox:1.36', 'busybox:*', true],
      ['docker.io/library/busybox:1.36', 'busy*:1.[0-9]6', true],
      ['docker.io/library/busybox:1.36', 'docker.io/library/busybox', true],
      ['docker.io/library/busybox:1.36', 'busybox:2*', false],
      ['docker.io/user/app:latest', '*', false],
      ['docker.io/user/app:latest', '*/*', true],
      ['docker.io/user/app:latest', '*pp', false],
      ['docker.io/library/a.b:latest', 'axb', false],
    ]
    for (const [name, pattern, expected] of cases)
      assert.equal(referenceMatches(name, pattern), expected, `${name} ${pattern}`)
  })

  it('match labels by key, or by key and value', () => {
    assert(hasLabel({ a: 'b=c' }, 'a'))
    assert(hasLabel({ a: 'b=c' }, 'a=b=c'))
    assert(!hasLabel({ a: 'b' }, 'a=c'))
    assert(!hasLabel({}, 'toString'))
  })
})
