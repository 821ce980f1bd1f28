/** `--filter` of `builder du` and `builder prune`, as buildx has it: `until=24h`, `type=run`, `description~=npm`, `private`. */
import { InvalidArgument } from '../../errors.ts'
import { parseMoment } from '../../util/moment.ts'
import { parseBool } from '../../util/truth.ts'
import type { CacheRecord } from '../types.ts'

type Test = (record: CacheRecord) => boolean

const TEXTS: Readonly<Record<string, (record: CacheRecord) => string>> = {
  id: ({ id }) => id,
  type: ({ kind }) => kind,
  description: ({ description }) => description,
}
const TRUTHS: Readonly<Record<string, Test>> = {
  shared: ({ shared }) => shared,
  private: ({ shared }) => !shared,
}
const TIMES = ['until', 'unused-for']
const KNOWN = [...TIMES, ...Object.keys(TEXTS), ...Object.keys(TRUTHS)]

/** All of them have to hold. @throws {InvalidArgument} */
export function parseCacheFilters(filters: readonly string[]): Test {
  const tests = filters.map(parseFilter)
  return (record) => tests.every((test) => test(record))
}

function parseFilter(filter: string): Test {
  const [, key = '', operator = '', value = ''] = /^([^=!~]*)(=|!=|~=|)(.*)$/s.exec(filter) ?? []
  const name = key.trim().toLowerCase()
  if (TIMES.includes(name) && operator === '=') {
    const untilMs = parseMoment(value, name)
    return ({ usedAtMs }) => usedAtMs < untilMs
  }
  const text = Object.hasOwn(TEXTS, name) ? TEXTS[name] : undefined
  if (text !== undefined && operator !== '') return textTest(text, operator, value)
  const truth = Object.hasOwn(TRUTHS, name) ? TRUTHS[name] : undefined
  const wanted = operator === '' ? true : parseBool(value)
  if (truth !== undefined && operator !== '~=' && wanted !== undefined)
    return (record) => truth(record) === (wanted !== (operator === '!='))
  throw new InvalidArgument(`invalid filter ${JSON.stringify(filter)}`, {
    hint: `known: ${KNOWN.join(', ')}; with =, != and ~= (a regular expression)`,
  })
}

function textTest(text: (record: CacheRecord) => string, operator: string, value: string): Test {
  if (operator === '=') return (record) => text(record) === value
  if (operator === '!=') return (record) => text(record) !== value
  try {
    const pattern = new RegExp(value)
    return (record) => pattern.test(text(record))
  } catch (cause) {
    throw new InvalidArgument(`${JSON.stringify(value)} is no regular expression`, { cause })
  }
}
