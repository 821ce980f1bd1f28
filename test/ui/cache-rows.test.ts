import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { cacheLines, cacheTotals } from '../../src/ui/cache-rows.ts'

const NOW = 1_000_000_000_000
const RECORDS = [
  { id: 'aaaaaaaaaaaa', kind: 'run', description: 'RUN make \\\n  all', sizeBytes: 3_000_000, shared: false },
  { id: 'bbbbbbbbbbbb', kind: 'copy', description: 'COPY . .', sizeBytes: 2_000, shared: true },
].map((record) => ({ ...record, createdAtMs: NOW - 7_200_000, usedAtMs: NOW - 60_000, uses: 2 }))

describe('builder du', () => {
  it('tells what each record takes, and whether it goes with it', () => {
    assert.deepEqual(cacheLines(RECORDS, { format: undefined, verbose: false, nowMs: NOW }), [
      'ID             RECLAIMABLE   SIZE      LAST ACCESSED',
      'aaaaaaaaaaaa   true          3MB       About a minute ago',
      'bbbbbbbbbbbb   false         2kB       About a minute ago',
    ])
    const [, first] = cacheLines(RECORDS, { format: undefined, verbose: true, nowMs: NOW })
    assert.match(first ?? '', /run +false +RUN make \\ all$/)
    const format = '{{.ID}} {{.UsageCount}} {{.Shared}}'
    assert.deepEqual(cacheLines(RECORDS, { format, verbose: false }), ['aaaaaaaaaaaa 2 false', 'bbbbbbbbbbbb 2 true'])
    assert.match(
      cacheLines(RECORDS, { format: 'json', verbose: false })[0] ?? '',
      /"ID":"aaaaaaaaaaaa".*"Shared":"false"/,
    )
  })

  it('adds up', () => {
    assert.deepEqual(cacheTotals(RECORDS), ['Shared:    2kB', 'Private:   3MB', 'Total:     3.002MB'])
    assert.deepEqual(cacheTotals([])[2], 'Total:     0B')
  })
})
