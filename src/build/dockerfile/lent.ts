/** Secrets and agents that a RUN asks for, as they are written: nothing is expanded. */
import { posix } from 'node:path'
import { splitCsv } from '../../util/csv.ts'
import { parseBool } from '../../util/truth.ts'
import type { Instruction } from './types.ts'

export interface Lent {
  readonly type: 'secret' | 'ssh' | 'cache'
  readonly id: string
  readonly required: boolean
}

export function lentTo(instruction: Instruction): readonly Lent[] {
  return instruction.kind === 'RUN' ? instruction.mounts.flatMap(readMount) : []
}

function readMount(text: string): readonly Lent[] {
  const fields = new Map(
    (splitCsv(text) ?? []).map((field): [string, string] => {
      const equals = field.indexOf('=')
      return equals === -1
        ? [field.toLowerCase(), 'true']
        : [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]
    }),
  )
  const type = fields.get('type')?.toLowerCase()
  const target = fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? ''
  const required = parseBool(fields.get('required') ?? 'false') === true
  if (type === 'secret') {
    const id = fields.get('id') ?? fields.get('source') ?? fields.get('src') ?? posix.basename(target)
    return [{ type, id, required }]
  }
  if (type === 'ssh') return [{ type, id: fields.get('id') ?? 'default', required }]
  return type === 'cache' ? [{ type, id: fields.get('id') ?? target, required: false }] : []
}
