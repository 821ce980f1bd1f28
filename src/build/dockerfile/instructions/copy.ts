/** COPY and ADD. */
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import { findHeredocs, parseHeredocHead } from '../heredoc.ts'
import type { Heredoc } from '../types.ts'
import { parsePathList } from '../words.ts'
import type { OwnOf, Unread } from './context.ts'

const SHARED = { chown: 'text', chmod: 'text', link: 'truth', exclude: 'list' } as const
const COPY = { ...SHARED, from: 'text', parents: 'truth' } as const
const ADD = { ...SHARED, checksum: 'text', unpack: 'truth', 'keep-git-dir': 'truth' } as const

export function parseCopy(unread: Unread): OwnOf<'COPY'> {
  const { link = false, exclude = [], parents = false, ...given } = parseFlags(unread.flags, COPY)
  const flags = withoutEmpty(given)
  if (flags.from !== undefined && /\$./.test(flags.from)) throw expandedFrom(flags.from)
  return { kind: 'COPY', ...flags, link, exclude, parents, ...parsePaths(unread) }
}

function expandedFrom(from: string): DockerfileInvalid {
  return new DockerfileInvalid('variable expansion is not supported for --from', {
    near: from,
    hint: `define a stage for it with an ARG before the first FROM: FROM ${from} AS name`,
  })
}

export function parseAdd(unread: Unread): OwnOf<'ADD'> {
  const { 'keep-git-dir': keepGitDir, link = false, exclude = [], ...given } = parseFlags(unread.flags, ADD)
  const flags = withoutEmpty(given)
  const paths = parsePaths(unread)
  return { kind: 'ADD', ...flags, ...(keepGitDir !== undefined && { keepGitDir }), link, exclude, ...paths }
}

/** `--from=` and its like say nothing. */
function withoutEmpty<Flags extends object>(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== '')) as Flags
}

interface Paths {
  readonly sources: readonly string[]
  readonly files: readonly Heredoc[]
  readonly destination: string
}

function parsePaths(unread: Unread): Paths {
  const { words, isJson } = parsePathList(unread.rest)
  const destination = words.at(-1)
  if (destination === undefined || words.length < 2)
    throw new DockerfileInvalid(
      `${unread.kind} requires at least two arguments, but only ${words.length === 0 ? 'none' : 'one'} was provided. Destination could not be determined`,
    )
  const sources = words.slice(0, -1)
  if (isJson) return { sources, files: [], destination }
  if (parseHeredocHead(destination) !== undefined)
    throw new DockerfileInvalid(`${unread.kind} cannot accept a heredoc as a destination`, { near: destination })
  // The line decides which heredocs are read, its words which of them are files.
  const bodies = new Map(unread.readHeredocs(findHeredocs(unread.rest)).map((heredoc) => [heredoc.name, heredoc]))
  const files = sources.flatMap((source) => bodies.get(parseHeredocHead(source)?.name ?? '') ?? [])
  for (const { name } of files) checkFileName(name)
  return { sources: sources.filter((source) => parseHeredocHead(source) === undefined), files, destination }
}

/** The name of a heredoc becomes that of a file. @throws {DockerfileInvalid} */
export function checkFileName(name: string): void {
  if (!name.includes('/') && name !== '.' && name !== '..') return
  throw new DockerfileInvalid(`a heredoc named ${JSON.stringify(name.slice(0, 80))} makes no file`, {
    near: name,
    hint: 'give it a name without slashes, and put the directory into the destination',
  })
}
