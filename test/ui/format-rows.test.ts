import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { formatDocuments, formatRows, type Row } from '../../src/ui/format-rows.ts'

const rows: readonly Row[] = [
  { ID: '1', Name: 'web', Label: (key: unknown) => `${key}!` },
  { ID: '22222222222', Name: 'a', Label: () => '' },
]
const shape = { columns: ['ID', 'Name'], headings: { ID: 'CONTAINER ID', Name: 'NAMES', Label: '' } }
const format = (text?: string) => formatRows(rows, { ...shape, format: text })

describe('formatRows', () => {
  it('makes columns three apart, at least ten wide, the last one unpadded', () => {
    assert.deepEqual(format(), ['CONTAINER ID   NAMES', '1              web', '22222222222    a'])
    assert.deepEqual(format('table'), format())
  })

  it('heads the columns of a template with the names of its fields', () => {
    assert.deepEqual(format('table {{.Name}}\\t{{.ID}}')[0], 'NAMES     CONTAINER ID')
    assert.deepEqual(format('table {{.Name}}\t{{.Label "x"}}'), ['NAMES     x', 'web       x!', 'a         '])
  })

  it('heads a table without rows', () => {
    assert.deepEqual(formatRows([], shape), ['CONTAINER ID   NAMES'])
  })

  it('renders a template for each row, without a heading', () => {
    assert.deepEqual(format('{{.ID}}\\t{{.Name}}'), ['1\tweb', '22222222222\ta'])
  })

  it('writes a line of JSON for each row, keys in the order of the alphabet', () => {
    assert.deepEqual(format('json'), ['{"ID":"1","Name":"web"}', '{"ID":"22222222222","Name":"a"}'])
  })
})

describe('formatDocuments', () => {
  it('writes one list with four spaces, or a line for each', () => {
    assert.deepEqual(formatDocuments([{ A: 1 }], undefined), ['[\n    {\n        "A": 1\n    }\n]'])
    assert.deepEqual(formatDocuments([{ A: 1 }, { A: 2 }], 'json'), ['{"A":1}', '{"A":2}'])
    assert.deepEqual(formatDocuments([{ A: 1 }, { A: 2 }], 'a{{.A}}'), ['a1', 'a2'])
  })
})
