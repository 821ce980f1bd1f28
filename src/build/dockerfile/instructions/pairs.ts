/** ENV, LABEL and ARG. */
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import type { Pair } from '../types.ts'
import { splitQuoted } from '../words.ts'
import { atLeastOne, type OwnOf, type Unread } from './context.ts'

export function parseEnv(unread: Unread): OwnOf<'ENV'> {
  parseFlags(unread.flags, {})
  return { kind: 'ENV', pairs: parsePairs(unread) }
}

export function parseLabel(unread: Unread): OwnOf<'LABEL'> {
  parseFlags(unread.flags, {})
  return { kind: 'LABEL', pairs: parsePairs(unread) }
}

/** The first word tells: with `=` all are pairs, without it is a name, and the whole rest its value. */
function parsePairs({ kind, rest, token }: Unread): readonly Pair[] {
  const words = splitQuoted(rest, token)
  const [first] = words
  if (first === undefined) throw atLeastOne(kind)
  if (!first.includes('=')) return [parseLegacyPair(kind, rest)]
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals === -1)
      throw new DockerfileInvalid(
        `Syntax error - can't find = in ${JSON.stringify(word.slice(0, 80))}. Must be of the form: name=value`,
        { near: word, hint: 'put a value with blanks into double quotes' },
      )
    if (equals === 0) throw blankName(kind, word)
    return { key: word.slice(0, equals), value: word.slice(equals + 1), legacy: false }
  })
}

function parseLegacyPair(kind: Unread['kind'], rest: string): Pair {
  const end = rest.search(/[\t\v\f\r ]/)
  if (end === -1) throw new DockerfileInvalid(`${kind} must have two arguments`, { near: rest })
  return { key: rest.slice(0, end), value: rest.slice(end).trimStart(), legacy: true }
}

export function parseArg({ kind, flags, rest, token }: Unread): OwnOf<'ARG'> {
  parseFlags(flags, {})
  const words = splitQuoted(rest, token)
  if (words.length === 0) throw atLeastOne(kind)
  const args = words.map((word) => {
    const equals = word.indexOf('=')
    if (equals === 0) throw blankName(kind, word)
    return equals === -1 ? { name: word } : { name: word.slice(0, equals), value: word.slice(equals + 1) }
  })
  return { kind: 'ARG', args }
}

function blankName(kind: Unread['kind'], near: string): DockerfileInvalid {
  return new DockerfileInvalid(`${kind} names can not be blank`, { near })
}
