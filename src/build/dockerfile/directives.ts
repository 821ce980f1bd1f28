/** Parser directives: `# syntax=…`, `# escape=…` and `# check=…` at the very top. */
import { parseBool } from '../../util/truth.ts'
import { DockerfileInvalid, within } from './errors.ts'
import type { CheckDirective, Directives, Escape, Source } from './types.ts'

const KNOWN = ['syntax', 'escape', 'check'] as const
type Name = (typeof KNOWN)[number]

export const NO_CHECK_SETTINGS: CheckDirective = { skip: [], error: false, experimental: [] }

/**
 * Reads directives up to the first line that is none: another comment, an unknown name, an instruction, an empty line.
 *
 * @returns also how many lines they take, for they are no comments
 * @throws {DockerfileInvalid} one comes twice, or its value makes no sense
 */
export function readDirectives(source: Source): { readonly directives: Directives; readonly count: number } {
  const values = new Map<Name, string>()
  // `#!/usr/bin/env …` lets a Dockerfile be executed.
  let count = source.lines[0]?.startsWith('#!') === true ? 1 : 0
  for (; count < source.lines.length; count += 1) {
    const found = parseDirective(source.lines[count] ?? '')
    if (found === undefined) break
    within({ source, lines: { start: count + 1, end: count + 1 } }, () => {
      if (values.has(found.name)) throw new DockerfileInvalid(`only one ${found.name} parser directive can be used`)
      if (found.name === 'escape') checkEscape(found.value)
      if (found.name === 'check') parseCheckSettings(found.value)
    })
    values.set(found.name, found.value)
  }
  const syntax = values.get('syntax')?.split(' ', 1)[0]
  return {
    directives: {
      ...(syntax !== undefined && { syntax }),
      escape: values.get('escape') === '`' ? '`' : '\\',
      check: parseCheckSettings(values.get('check') ?? ''),
    },
    count,
  }
}

function parseDirective(line: string): { readonly name: Name; readonly value: string } | undefined {
  const text = line.trim()
  const equals = text.indexOf('=')
  if (!text.startsWith('#') || equals === -1) return undefined
  const typed = text.slice(1, equals).trim().toLowerCase()
  const name = KNOWN.find((one) => one === typed)
  const value = text.slice(equals + 1).trim()
  return name === undefined || value === '' ? undefined : { name, value }
}

function checkEscape(value: string): asserts value is Escape {
  if (value !== '\\' && value !== '`')
    throw new DockerfileInvalid(`invalid escape token '${value.slice(0, 40)}' does not match \` or \\`, { near: value })
}

/**
 * `skip=RuleA,RuleB;error=true`, as the directive says it, a comment above one instruction, and `BUILDKIT_DOCKERFILE_CHECK`.
 *
 * @throws {DockerfileInvalid}
 */
export function parseCheckSettings(text: string): CheckDirective {
  // Behind a blank there may be words for people.
  const settings = text.trim().split(' ', 1)[0] ?? ''
  let found = NO_CHECK_SETTINGS
  for (const part of settings === '' ? [] : settings.split(';')) {
    const equals = part.indexOf('=')
    const key = part.slice(0, Math.max(0, equals)).trim()
    const value = part.slice(equals + 1).trim()
    if (key === 'skip' || key === 'experimental')
      found = { ...found, [key]: value.split(',').map((rule) => rule.trim()) }
    else if (key === 'error') found = { ...found, error: parseBoolean(value, part) }
    else throw new DockerfileInvalid(`invalid check option "${part.slice(0, 80)}"`, { near: part })
  }
  return found
}

function parseBoolean(value: string, part: string): boolean {
  const truth = parseBool(value)
  if (truth !== undefined) return truth
  throw new DockerfileInvalid(`failed to parse check option "${part.slice(0, 80)}": invalid boolean`, { near: part })
}

/** A frontend that the file asks for and that is not docker's own: nobody fetches it, so it may be misunderstood. */
export function foreignSyntax({ syntax }: Directives): string | undefined {
  if (syntax === undefined || /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@]|$)/.test(syntax))
    return undefined
  return syntax
}
