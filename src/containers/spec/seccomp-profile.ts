/** Profiles in docker's format, which say for which machines, capabilities and kernels a rule holds, as runtime-spec documents. */
import { InvalidArgument } from '../../errors.ts'
import type { SeccompRule, SeccompSpec } from '../../oci/runtime-spec.ts'

export interface ProfileHost {
  /** As Node calls it: `x64`, `arm64`. */
  readonly arch: string
  /** `uname -r` */
  readonly kernel: string
  readonly capabilities: readonly string[]
}

interface Condition {
  readonly arches?: readonly string[]
  readonly caps?: readonly string[]
  readonly minKernel?: string
}

interface DockerRule {
  readonly name?: string
  readonly names?: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly NonNullable<SeccompRule['args']>[number][] | null
  readonly includes?: Condition | null
  readonly excludes?: Condition | null
}

interface DockerProfile {
  readonly defaultAction?: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[] | null
  readonly archMap?:
    | readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[]
    | null
  readonly flags?: readonly string[] | null
  readonly syscalls?: readonly DockerRule[] | null
}

const NATIVE: Readonly<Record<string, readonly [docker: string, seccomp: string]>> = {
  x64: ['amd64', 'SCMP_ARCH_X86_64'],
  arm64: ['arm64', 'SCMP_ARCH_AARCH64'],
}

/** @throws {InvalidArgument} the profile lacks what every profile needs */
export function resolveProfile(text: string, host: ProfileHost): SeccompSpec {
  const profile = JSON.parse(text) as DockerProfile | null
  const fail = (reason: string) => new InvalidArgument(`decoding seccomp profile failed: ${reason}`)
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile)) throw fail('it is no object')
  if (typeof profile.defaultAction !== 'string') throw fail('defaultAction is missing')
  if (profile.syscalls != null && !Array.isArray(profile.syscalls)) throw fail('syscalls is no list')
  const { defaultErrnoRet, flags } = profile
  return {
    defaultAction: profile.defaultAction,
    ...(defaultErrnoRet !== undefined && { defaultErrnoRet }),
    architectures: architecturesOf(profile, host),
    ...(flags && flags.length > 0 && { flags: [...flags] }),
    syscalls: (profile.syscalls ?? []).filter((rule) => applies(rule, host)).map((rule) => toRule(rule, fail)),
  }
}

function architecturesOf({ architectures, archMap }: DockerProfile, { arch }: ProfileHost): string[] {
  if (architectures && architectures.length > 0) return [...architectures]
  const native = NATIVE[arch]?.[1]
  const entry = archMap?.find(({ architecture }) => architecture === native)
  return entry === undefined ? [] : [entry.architecture, ...(entry.subArchitectures ?? [])]
}

function applies({ includes, excludes }: DockerRule, host: ProfileHost): boolean {
  const arch = NATIVE[host.arch]?.[0] ?? host.arch
  const { arches = [], caps = [], minKernel } = includes ?? {}
  if (arches.length > 0 && !arches.includes(arch)) return false
  if (!caps.every((name) => host.capabilities.includes(name))) return false
  if (minKernel !== undefined && !isKernelAtLeast(host.kernel, minKernel)) return false
  if (excludes?.arches?.includes(arch)) return false
  if (excludes?.caps?.some((name) => host.capabilities.includes(name))) return false
  return !(excludes?.minKernel !== undefined && isKernelAtLeast(host.kernel, excludes.minKernel))
}

function toRule(rule: DockerRule, fail: (reason: string) => Error): SeccompRule {
  const names = [...(rule.names ?? []), ...(rule.name === undefined ? [] : [rule.name])]
  if (typeof rule.action !== 'string' || names.some((name) => typeof name !== 'string'))
    throw fail('a rule is malformed')
  return {
    names,
    action: rule.action,
    ...(rule.errnoRet !== undefined && { errnoRet: rule.errnoRet }),
    ...(rule.args && rule.args.length > 0 && { args: [...rule.args] }),
  }
}

function isKernelAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10))
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
