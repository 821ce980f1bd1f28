/** Findings as `docker build --check` prints them, and as a build ends with them. */
import type { DockerfileInvalid } from '../dockerfile/errors.ts'
import { excerpt } from '../dockerfile/excerpt.ts'
import type { Lines, Source } from '../dockerfile/types.ts'
import type { Finding } from './report.ts'

/** The whole answer to `--check`, with line ends. Its exit status is 1 when anything was found. */
export function renderCheck(findings: readonly Finding[], source: Source): string {
  const head =
    findings.length === 0 ? 'Check complete, no warnings found.' : `Check complete, ${count(findings)} found!`
  const blocks = findings.map(
    ({ rule, url, message, lines, near }) =>
      `\nWARNING: ${rule}${url === undefined ? '' : ` - ${url}`}\n${message}\n${excerpt(source, lines, near)}\n`,
  )
  return `${head}\n${blocks.join('')}`
}

/** For the end of a build; nothing where nothing was found. */
export function renderSummary(findings: readonly Finding[]): string {
  if (findings.length === 0) return ''
  const lines = findings.map(({ rule, message, lines: { start } }) => ` - ${rule}: ${message} (line ${start})\n`)
  return ` ${findings.length} warning${findings.length === 1 ? '' : 's'} found:\n${lines.join('')}`
}

function count({ length }: readonly Finding[]): string {
  return length === 1 ? '1 warning has been' : `${length} warnings have been`
}

/**
 * What `--call=check,format=json` gives to programs.
 *
 * @param failure - what a build would end with
 */
export function checkDocument(findings: readonly Finding[], source: Source, failure?: DockerfileInvalid): object {
  return {
    warnings: findings.map(({ rule, description, url, message, lines: { start, end } }) => ({
      ruleName: rule,
      description,
      ...(url !== undefined && { url }),
      detail: message,
      location: locationOf({ start, end }),
    })),
    ...(failure?.place !== undefined && {
      buildError: { message: failure.problem, location: locationOf(failure.place.lines) },
    }),
    sources: [
      {
        filename: source.name,
        language: 'Dockerfile',
        data: Buffer.from(source.lines.map((line) => `${line}\n`).join('')).toString('base64'),
      },
    ],
  }
}

function locationOf({ start, end }: Lines): object {
  return { ranges: [{ start: { line: start }, end: { line: end } }] }
}
