/** The instructions that only change the image config. */
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import { parseCommandLine, parseJsonWords, parsePathList, splitBlanks } from '../words.ts'
import { atLeastOne, exactlyOne, type OwnOf, type Unread } from './context.ts'

export function parseCmd(unread: Unread): OwnOf<'CMD'> {
  parseFlags(unread.flags, {})
  return { kind: 'CMD', command: parseCommandLine(unread.rest) }
}

export function parseEntrypoint(unread: Unread): OwnOf<'ENTRYPOINT'> {
  parseFlags(unread.flags, {})
  return { kind: 'ENTRYPOINT', command: parseCommandLine(unread.rest) }
}

export function parseShell(unread: Unread): OwnOf<'SHELL'> {
  parseFlags(unread.flags, {})
  const args = parseJsonWords(unread.rest)
  if (args?.length === 0 || unread.rest === '') throw atLeastOne(unread.kind)
  if (args === undefined)
    throw new DockerfileInvalid(`SHELL requires the arguments to be in JSON form`, {
      near: unread.rest,
      hint: 'write SHELL ["executable", "parameter"]',
    })
  return { kind: 'SHELL', args }
}

export function parseExpose(unread: Unread): OwnOf<'EXPOSE'> {
  parseFlags(unread.flags, {})
  if (unread.rest === '') throw atLeastOne(unread.kind)
  return { kind: 'EXPOSE', ports: splitBlanks(unread.rest).toSorted() }
}

export function parseUser(unread: Unread): OwnOf<'USER'> {
  parseFlags(unread.flags, {})
  return { kind: 'USER', user: exactlyOne(unread) }
}

export function parseWorkdir(unread: Unread): OwnOf<'WORKDIR'> {
  parseFlags(unread.flags, {})
  return { kind: 'WORKDIR', path: exactlyOne(unread) }
}

export function parseStopsignal(unread: Unread): OwnOf<'STOPSIGNAL'> {
  parseFlags(unread.flags, {})
  return { kind: 'STOPSIGNAL', signal: exactlyOne(unread) }
}

export function parseMaintainer(unread: Unread): OwnOf<'MAINTAINER'> {
  parseFlags(unread.flags, {})
  return { kind: 'MAINTAINER', maintainer: exactlyOne(unread) }
}

export function parseVolume(unread: Unread): OwnOf<'VOLUME'> {
  parseFlags(unread.flags, {})
  const paths = parsePathList(unread.rest).words.map((path) => path.trim())
  if (paths.length === 0) throw atLeastOne(unread.kind)
  if (paths.includes('')) throw new DockerfileInvalid('VOLUME specified can not be an empty string')
  return { kind: 'VOLUME', paths }
}
