/** `builder du` by buildx's columns. */
import type { CacheRecord } from '../build/types.ts'
import { formatRows, type Row } from './format-rows.ts'
import { formatTable } from './table.ts'
import { humanAge, humanSize } from './units.ts'

const HEADINGS = {
  ID: 'ID',
  Reclaimable: 'RECLAIMABLE',
  Size: 'SIZE',
  LastUsedSince: 'LAST ACCESSED',
  CacheType: 'TYPE',
  CreatedSince: 'CREATED',
  UsageCount: 'USAGE',
  Shared: 'SHARED',
  Description: 'DESCRIPTION',
}
const COLUMNS = ['ID', 'Reclaimable', 'Size', 'LastUsedSince']

export interface CacheLineOptions {
  readonly format: string | undefined
  readonly verbose: boolean
  readonly nowMs?: number
}

export function cacheLines(
  records: readonly CacheRecord[],
  { format, verbose, nowMs = Date.now() }: CacheLineOptions,
): readonly string[] {
  const columns = verbose ? [...COLUMNS, 'CacheType', 'Shared', 'Description'] : COLUMNS
  return formatRows(
    records.map((record) => cacheRow(record, nowMs)),
    { format, columns, headings: HEADINGS },
  )
}

/** What an image has too stays when the record goes. */
function cacheRow(record: CacheRecord, nowMs: number): Row {
  return {
    ID: record.id,
    Reclaimable: `${!record.shared}`,
    Size: humanSize(record.sizeBytes),
    LastUsedSince: humanAge(record.usedAtMs, nowMs),
    CacheType: record.kind,
    CreatedSince: humanAge(record.createdAtMs, nowMs),
    UsageCount: `${record.uses}`,
    Shared: `${record.shared}`,
    Description: record.description.replaceAll(/\s+/g, ' '),
  }
}

export function cacheTotals(records: readonly CacheRecord[]): readonly string[] {
  const sum = (chosen: readonly CacheRecord[]) => humanSize(chosen.reduce((total, one) => total + one.sizeBytes, 0))
  return formatTable([
    ['Shared:', sum(records.filter(({ shared }) => shared))],
    ['Private:', sum(records.filter(({ shared }) => !shared))],
    ['Total:', sum(records)],
  ])
}
