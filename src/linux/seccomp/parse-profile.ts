/** A user's profile in docker's JSON format, resolved for this machine and a container's capabilities. Untrusted. */
import coerce from 'semver/functions/coerce.js'
import gte from 'semver/functions/gte.js'
import type { SeccompRule, SeccompSpec } from '../../oci/runtime-spec.ts'
import { SeccompInvalid } from '../errors.ts'

const ARCHITECTURE: Readonly<Record<string, readonly string[]>> = {
  x64: ['amd64', 'x32', 'x86'],
  arm64: ['arm64', 'arm'],
}
const NATIVE: Readonly<Record<string, string>> = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }
const MAX_RULES = 10_000

type Json = Readonly<Record<string, unknown>>

export interface ProfileContext {
  readonly capabilities: readonly string[]
  /** As Node calls it. */
  readonly arch: string
  /** `uname -r` */
  readonly kernel: string
}

/** @throws {SeccompInvalid} no JSON, or not of the form docker documents */
export function parseProfile(text: string, context: ProfileContext): SeccompSpec {
  const profile = object(parseJson(text), 'the profile')
  const rules = list(profile['syscalls'], 'syscalls')
  if (rules.length > MAX_RULES) throw new SeccompInvalid(`it has more than ${MAX_RULES} rules`)
  const defaultErrnoRet = number(profile['defaultErrnoRet'], 'defaultErrnoRet')
  return {
    defaultAction: string(profile['defaultAction'], 'defaultAction'),
    ...(defaultErrnoRet !== undefined && { defaultErrnoRet }),
    architectures: architectures(profile, context.arch),
    flags: list(profile['flags'], 'flags').map((flag) => string(flag, 'flags')),
    syscalls: rules
      .map((rule) => object(rule, 'a rule'))
      .filter((rule) => applies(rule, context))
      .map(toRule),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SeccompInvalid(`it is no JSON (${(error as Error).message})`)
  }
}

/** Either a plain list, or docker's map from a machine to those it can also run. */
function architectures(profile: Json, arch: string): string[] {
  const named = list(profile['architectures'], 'architectures').map((name) => string(name, 'architectures'))
  const native = NATIVE[arch] ?? ''
  const mapped = list(profile['archMap'], 'archMap')
    .map((entry) => object(entry, 'archMap'))
    .filter((entry) => entry['architecture'] === native)
    .flatMap((entry) =>
      list(entry['subArchitectures'], 'subArchitectures').map((name) => string(name, 'subArchitectures')),
    )
  return [...new Set([native, ...named, ...mapped])]
}

function applies(rule: Json, { capabilities, arch, kernel }: ProfileContext): boolean {
  const includes = rule['includes'] === undefined ? {} : object(rule['includes'], 'includes')
  const excludes = rule['excludes'] === undefined ? {} : object(rule['excludes'], 'excludes')
  const names = ARCHITECTURE[arch] ?? []
  const architecture = (from: Json) => list(from['arches'], 'arches').map((name) => string(name, 'arches'))
  const caps = (from: Json) => list(from['caps'], 'caps').map((name) => string(name, 'caps'))
  const meant = architecture(includes)
  if (meant.length > 0 && !meant.some((name) => names.includes(name))) return false
  if (architecture(excludes).some((name) => names.includes(name))) return false
  if (!caps(includes).every((name) => capabilities.includes(name))) return false
  if (caps(excludes).some((name) => capabilities.includes(name))) return false
  const below = excludes['minKernel']
  if (below !== undefined && isKernelAtLeast(kernel, string(below, 'minKernel'))) return false
  const atLeast = includes['minKernel']
  return atLeast === undefined || isKernelAtLeast(kernel, string(atLeast, 'minKernel'))
}

/** `4.8` against `6.18.44-amd64`: releases carry more than versions do. */
function isKernelAtLeast(kernel: string, wanted: string): boolean {
  const [running, least] = [coerce(kernel), coerce(wanted)]
  if (least === null) throw new SeccompInvalid(`minKernel ${JSON.stringify(wanted)} is no version`)
  return running !== null && gte(running, least)
}

function toRule(rule: Json): SeccompRule {
  const names = [...list(rule['names'], 'names'), ...(rule['name'] === undefined ? [] : [rule['name']])]
  const errnoRet = number(rule['errnoRet'], 'errnoRet')
  return {
    names: names.map((name) => string(name, 'names')),
    action: string(rule['action'], 'action'),
    ...(errnoRet !== undefined && { errnoRet }),
    args: list(rule['args'], 'args').map((argument) => toArgument(object(argument, 'args'))),
  }
}

function toArgument(argument: Json): NonNullable<SeccompRule['args']>[number] {
  return {
    index: number(argument['index'], 'index') ?? 0,
    value: number(argument['value'], 'value') ?? 0,
    valueTwo: number(argument['valueTwo'], 'valueTwo') ?? 0,
    op: string(argument['op'], 'op'),
  }
}

function object(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SeccompInvalid(`${name} is no object`)
  return value as Json
}

function list(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new SeccompInvalid(`${name} is no list`)
  return value
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new SeccompInvalid(`${name} is no text`)
  return value
}

function number(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw new SeccompInvalid(`${name} is no whole number`)
  // A mask of 64 ones is read as 2^64, of which 64 bits are all zero: it would match everything.
  if (!Number.isSafeInteger(value)) throw new SeccompInvalid(`${name} is above 2^53, more than JSON holds exactly`)
  return value
}
