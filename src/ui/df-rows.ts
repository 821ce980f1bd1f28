/** `system df` by docker's field names. */
import { formatRows, type Row } from './format-rows.ts'
import { humanDuration, humanSize } from './units.ts'

export const DF_HEADINGS = {
  Type: 'TYPE',
  TotalCount: 'TOTAL',
  Active: 'ACTIVE',
  Size: 'SIZE',
  Reclaimable: 'RECLAIMABLE',
}
export const DF_COLUMNS = ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable']

export interface UsageRow {
  readonly type: string
  readonly total: number
  readonly active: number
  readonly sizeBytes: number
  readonly reclaimableBytes: number
}

export function dfRows(rows: readonly UsageRow[]): readonly Row[] {
  return rows.map(({ type, total, active, sizeBytes, reclaimableBytes }) => ({
    Type: type,
    TotalCount: `${total}`,
    Active: `${active}`,
    Size: humanSize(sizeBytes),
    Reclaimable: `${humanSize(reclaimableBytes)}${sizeBytes > 0 ? ` (${Math.floor((reclaimableBytes / sizeBytes) * 100)}%)` : ''}`,
  }))
}

export interface UsageItem {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly sizeBytes: number
  readonly sharedBytes: number
  readonly createdAtMs: number
  readonly users: number
  readonly detail: string
}

/** With `-v`: a table for each kind. */
export function dfSections(items: readonly UsageItem[], nowMs: number = Date.now()): readonly string[] {
  const of = (type: string) => items.filter((item) => item.type === type)
  const age = (item: UsageItem) => `${humanDuration(nowMs - item.createdAtMs)} ago`
  const short = (id: string) => id.replace(/^sha256:/, '').slice(0, 12)
  const images = of('Images').map((item) => ({
    Image: item.name,
    ID: short(item.id),
    Created: age(item),
    Size: humanSize(item.sizeBytes),
    SharedSize: humanSize(item.sharedBytes),
    UniqueSize: humanSize(item.sizeBytes - item.sharedBytes),
    Containers: `${item.users}`,
  }))
  const containers = of('Containers').map((item) => ({
    ID: short(item.id),
    Name: item.name,
    Command: JSON.stringify(item.detail.length > 20 ? `${item.detail.slice(0, 19)}…` : item.detail),
    Size: humanSize(item.sizeBytes),
    Created: age(item),
    State: item.users > 0 ? 'running' : 'stopped',
  }))
  return [
    'Images space usage:',
    '',
    ...table(images, ['Image', 'ID', 'Created', 'Size', 'SharedSize', 'UniqueSize', 'Containers']),
    '',
    'Containers space usage:',
    '',
    ...table(containers, ['ID', 'Name', 'Command', 'Size', 'Created', 'State']),
  ]
}

const SECTION_HEADINGS = { ID: 'ID', SharedSize: 'SHARED SIZE', UniqueSize: 'UNIQUE SIZE' }

function table(rows: readonly Row[], columns: readonly string[]): readonly string[] {
  return formatRows(rows, { columns, headings: SECTION_HEADINGS })
}
