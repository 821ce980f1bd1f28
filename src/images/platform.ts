/** Platforms as users write them (`linux/arm/v7`), and which entry of an index suits one. */
import { InvalidArgument } from '../errors.ts'
import type { Descriptor, Platform } from '../oci/descriptor.ts'

const ARCHITECTURES: ReadonlyMap<string, { architecture: string; variant?: string }> = new Map(
  Object.entries({
    x86_64: { architecture: 'amd64' },
    'x86-64': { architecture: 'amd64' },
    aarch64: { architecture: 'arm64' },
    i386: { architecture: '386' },
    i686: { architecture: '386' },
    armhf: { architecture: 'arm', variant: 'v7' },
    armel: { architecture: 'arm', variant: 'v6' },
    wasm32: { architecture: 'wasm' },
    wasm64: { architecture: 'wasm' },
  }),
)
const SYSTEMS: ReadonlyMap<string, string> = new Map(
  Object.entries({ macos: 'darwin', wasip1: 'wasi', wasip2: 'wasi', wasip3: 'wasi' }),
)
const KNOWN_SYSTEMS = ['linux', 'windows', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'solaris', 'wasi', 'plan9']
const KNOWN_ARCHITECTURES =
  '386 amd64 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  )
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', loong64: 'loong64' }
const PLATFORM_HINT = 'write os/architecture[/variant], for example linux/arm64'
const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** The platform native containers of this host have. */
export function hostPlatform(): Platform {
  const architecture = NODE_ARCHITECTURES[process.arch] ?? process.arch
  return normalisePlatform({ os: 'linux', architecture })
}

/**
 * Reads `os`, `arch`, `os/arch` or `os/arch/variant`; what is missing is the host's.
 *
 * @throws {InvalidArgument} it has more parts, or odd characters, or is one word that is neither system nor architecture
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/')
  const [first = '', second, third] = parts
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new InvalidArgument(`"${text.slice(0, 100)}" is an invalid platform`, {
      hint: PLATFORM_HINT,
    })
  }
  if (second !== undefined) {
    return normalisePlatform({ os: first, architecture: second, ...(third !== undefined && { variant: third }) })
  }
  const host = hostPlatform()
  const os = SYSTEMS.get(first) ?? first
  if (os === 'wasi') return { os, architecture: 'wasm' }
  if (KNOWN_SYSTEMS.includes(os)) return { ...host, os }
  const platform = normalisePlatform({ os: host.os, architecture: first })
  if (KNOWN_ARCHITECTURES.includes(platform.architecture)) return platform
  throw new InvalidArgument(`"${text}" is an unknown operating system or architecture`, { hint: PLATFORM_HINT })
}

/** One spelling for each platform: the wasm family is `wasi/wasm`, `arm64/v8` is `arm64`, bare `arm` is `arm/v7`. */
export function normalisePlatform(platform: Platform): Platform {
  const { os, architecture, variant, ...rest } = platform
  const alias = ARCHITECTURES.get(architecture) ?? { architecture, variant: undefined }
  const chosen = variant === undefined || variant === '' ? alias.variant : variant
  const normal = normalVariant(alias.architecture, chosen)
  return {
    ...rest,
    os: SYSTEMS.get(os) ?? os,
    architecture: alias.architecture,
    ...(normal !== undefined && { variant: normal }),
  }
}

function normalVariant(architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'arm64') return variant === 'v8' || variant === '8' ? undefined : variant
  if (architecture === 'amd64') return variant === 'v1' ? undefined : variant
  if (architecture !== 'arm') return variant
  if (variant === undefined) return 'v7'
  return /^\d$/.test(variant) ? `v${variant}` : variant
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant === undefined || variant === '' ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** Attestations stand in an index as `unknown/unknown`: nobody runs them. */
export function isAttestation(entry: Descriptor): boolean {
  return (
    entry.platform?.os === 'unknown' ||
    entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' ||
    entry.artifactType === 'application/vnd.docker.attestation.manifest.v1+json'
  )
}

/**
 * What runs where `wanted` runs, best first: an ARMv8 host takes v7, v6 and v5 too, an amd64 host 386.
 * Compare containerd's `platforms.platformVector`.
 */
export function compatiblePlatforms(wanted: Platform): readonly Platform[] {
  const { os, architecture, variant } = normalisePlatform(wanted)
  const of = (other: string, variants: readonly string[]) =>
    variants.map((name) => normalisePlatform({ os, architecture: other, ...(name !== '' && { variant: name }) }))
  const down = (level: number, lowest: number) =>
    Array.from({ length: Math.max(level - lowest + 1, 0) }, (_, step) => `v${level - step}`)
  const level = Number(variant?.slice(1).split('.')[0] ?? 0)
  if (architecture === 'amd64') return [...of('amd64', down(level === 0 ? 1 : level, 1)), ...of('386', [''])]
  if (architecture === 'arm64') return [...of('arm64', down(Math.max(level, 8), 8)), ...of('arm', down(8, 5))]
  if (architecture === 'arm') return of('arm', down(level === 0 ? 7 : level, 5))
  return of(architecture, [variant ?? ''])
}

/** Does an image of platform `actual` satisfy the wish `wanted`? */
export function platformMatches(wanted: Platform, actual: Platform): boolean {
  const text = formatPlatform(normalisePlatform(actual))
  if (wanted.variant === undefined && wanted.architecture === actual.architecture && wanted.os === actual.os)
    return true
  return compatiblePlatforms(wanted).some((platform) => formatPlatform(platform) === text)
}

/**
 * The entry of an index for `wanted`; without a wish the host's, and WebAssembly only where there is nothing native.
 *
 * @returns undefined when nothing suits
 */
export function choosePlatform(entries: readonly Descriptor[], wanted?: Platform): Descriptor | undefined {
  const candidates = entries.filter((entry) => !isAttestation(entry))
  const wishes = wanted === undefined ? [hostPlatform(), { os: 'wasi', architecture: 'wasm' }] : [wanted]
  for (const platform of wishes.flatMap(compatiblePlatforms)) {
    const text = formatPlatform(platform)
    const found = candidates.find(
      (entry) => entry.platform !== undefined && formatPlatform(normalisePlatform(entry.platform)) === text,
    )
    if (found !== undefined) return found
  }
  // An index of one entry without a platform is an ordinary image that was wrapped.
  const [only, ...others] = candidates
  return others.length === 0 && only?.platform === undefined && wanted === undefined ? only : undefined
}

/** For the error that lists what there is. */
export function availablePlatforms(entries: readonly Descriptor[]): readonly string[] {
  const names = entries
    .filter((entry) => !isAttestation(entry) && entry.platform !== undefined)
    .map((entry) => formatPlatform(normalisePlatform(entry.platform ?? { os: '', architecture: '' })))
  return [...new Set(names)]
}
