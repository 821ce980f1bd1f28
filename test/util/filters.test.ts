import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { hasLabel, parseFilters, parseTruth, splitFilter } from '../../src/util/filters.ts'

interface Item {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

const matching = (...filters: string[]) =>
  parseFilters<Item>(filters, {
    name:
      (value) =>
      ({ name }) =>
        name === value,
    label:
      (value) =>
      ({ labels }) =>
        hasLabel(labels, value),
  })
const item: Item = { name: 'a', labels: { x: '1', y: '2=3' } }

describe('filters', () => {
  it('of one key are alternatives, of different keys must all hold; labels must all', () => {
    assert(matching()(item))
    assert(matching('name=b', 'name=a')(item))
    assert(!matching('name=b', 'label=x')(item))
    assert(matching('label=x', 'label=y=2=3')(item))
    assert(!matching('label=x', 'label=z')(item))
  })

  it('have a key that is known and a value, with blanks around them', () => {
    assert.deepEqual(splitFilter(' Name = a=b ', ['name']), { key: 'name', value: 'a=b' })
    for (const bad of ['name', '=x', '']) assert.throws(() => splitFilter(bad, ['name']), /bad format of filter/)
    assert.throws(() => splitFilter('size=1', ['name']), /invalid filter 'size'/)
  })

  it('find labels of the object itself only', () => {
    assert(!hasLabel({}, 'toString'))
  })

  it('say true and false as Go does', () => {
    assert.equal(parseTruth('dangling', 'T'), true)
    assert.equal(parseTruth('dangling', '0'), false)
    assert.throws(() => parseTruth('dangling', 'maybe'), /invalid filter 'dangling=maybe'/)
  })
})
