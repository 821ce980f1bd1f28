/** One statement to one typed instruction. */
import { closest } from '../../ui/closest.ts'
import { DockerfileInvalid } from './errors.ts'
import { parseFlags, takeFlags } from './flags.ts'
import type { HeredocHead } from './heredoc.ts'
import {
  parseCmd,
  parseEntrypoint,
  parseExpose,
  parseMaintainer,
  parseShell,
  parseStopsignal,
  parseUser,
  parseVolume,
  parseWorkdir,
} from './instructions/config.ts'
import { atLeastOne, type Own, type OwnOf, type Unread } from './instructions/context.ts'
import { parseAdd, parseCopy } from './instructions/copy.ts'
import { parseFrom } from './instructions/from.ts'
import { parseHealthcheck } from './instructions/healthcheck.ts'
import { parseArg, parseEnv, parseLabel } from './instructions/pairs.ts'
import { parseRun } from './instructions/run.ts'
import type { Statement } from './statements.ts'
import type { Escape, FromInstruction, Heredoc, Instruction, Kind, Lines } from './types.ts'
import { splitKeyword } from './words.ts'

/** Where heredocs come from, and on which line they end. */
export interface HeredocReader {
  readHeredocs(heads: readonly HeredocHead[]): { readonly heredocs: readonly Heredoc[]; readonly end: number }
}

interface Options {
  readonly reader: HeredocReader
  readonly token: Escape
}

const PARSERS: { readonly [Name in Kind]: (unread: Unread) => Own } = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: parseCmd,
  COPY: parseCopy,
  ENTRYPOINT: parseEntrypoint,
  ENV: parseEnv,
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopsignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
}
const KINDS = Object.keys(PARSERS) as Kind[]
const NO_TRIGGERS: readonly Kind[] = ['ONBUILD', 'FROM', 'MAINTAINER']

/**
 * Reads a statement and the heredocs it opens.
 *
 * @throws {DockerfileInvalid} without a place: the caller knows it
 */
export function parseInstruction(statement: Statement, options: Options): FromInstruction | Instruction {
  let end = statement.lines.end
  const readHeredocs = (heads: readonly HeredocHead[]): readonly Heredoc[] => {
    if (heads.length === 0) return []
    const read = options.reader.readHeredocs(heads)
    end = read.end
    return read.heredocs
  }
  const own = parseOwn(statement.text, { ...options, readHeredocs })
  const lines: Lines = { start: statement.lines.start, end }
  return complete(own, { statement: statement.text, lines, comments: statement.comments })
}

interface Common {
  readonly statement: string
  readonly lines: Lines
  readonly comments: readonly string[]
}

/** Also gives the trigger of an ONBUILD, parsed before the end of its heredocs was known, the lines it stands on. */
function complete(own: Own, { statement, lines, comments }: Common): FromInstruction | Instruction {
  const common = { lines, code: statement, keyword: splitKeyword(statement).keyword, comments }
  if (own.kind !== 'ONBUILD') return { ...own, ...common }
  return { ...own, ...common, instruction: { ...own.instruction, lines } }
}

interface OwnOptions {
  readonly token: Escape
  readonly readHeredocs: Unread['readHeredocs']
}

function parseOwn(text: string, { token, readHeredocs }: OwnOptions): Own {
  const { keyword, rest } = splitKeyword(text)
  const kind = KINDS.find((one) => one === keyword.toUpperCase())
  if (kind === undefined) throw unknownInstruction(keyword)
  const flags = takeFlags(rest, token)
  return PARSERS[kind]({ kind, flags: flags.words, rest: flags.rest, token, readHeredocs, code: text })
}

function unknownInstruction(keyword: string): DockerfileInvalid {
  const near = closest(keyword.toUpperCase().slice(0, 40), KINDS)
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  return new DockerfileInvalid(`unknown instruction: ${keyword.slice(0, 80)}${suggestion}`, { near: keyword })
}

/** What the image keeps is the trigger's text; it is parsed here as well, so that mistakes are found where they are made. */
function parseOnbuild(unread: Unread): OwnOf<'ONBUILD'> {
  parseFlags(unread.flags, {})
  if (unread.rest === '') throw atLeastOne('ONBUILD')
  const keyword = splitKeyword(unread.rest).keyword.toUpperCase()
  if (keyword === 'ONBUILD') throw new DockerfileInvalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (NO_TRIGGERS.some((kind) => kind === keyword))
    throw new DockerfileInvalid(`${keyword} isn't allowed as an ONBUILD trigger`, { near: unread.rest })
  let heredocs: readonly Heredoc[] = []
  const own = parseOwn(unread.rest, {
    token: unread.token,
    readHeredocs: (heads) => {
      heredocs = unread.readHeredocs(heads)
      return heredocs
    },
  })
  const trigger = [unread.rest, ...heredocs.map(({ name, content }) => `${content}${name}`)].join('\n')
  const lines = { start: 1, end: 1 }
  const instruction = complete(own, { statement: unread.rest, lines, comments: [] })
  if (instruction.kind === 'FROM') throw new DockerfileInvalid("FROM isn't allowed as an ONBUILD trigger")
  return { kind: 'ONBUILD', trigger, instruction }
}
