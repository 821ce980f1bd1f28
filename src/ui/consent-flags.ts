/** How a user grants what a plugin asks for: by flags, or at the terminal. */
import * as Flags from '@oclif/core/flags'

const KINDS = ['read', 'write', 'env', 'net', 'run', 'engine'] as const

export const CONSENT_FLAGS = {
  'allow-all': Flags.boolean({ char: 'A', description: 'Grant whatever it asks for' }),
  'allow-engine': Flags.boolean({ description: 'Grant what it asks for of the engine' }),
  'allow-env': Flags.boolean({ description: 'Grant the environment variables it asks for' }),
  'allow-net': Flags.boolean({ description: 'Grant the network, if it asks for that' }),
  'allow-read': Flags.boolean({ description: 'Grant reading the files it asks for' }),
  'allow-run': Flags.boolean({ description: 'Grant running programs, if it asks for that' }),
  'allow-write': Flags.boolean({ description: 'Grant writing the files it asks for' }),
  grant: Flags.string({
    description: 'Grant just that, if it asks for it: read=/data, engine:read',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'deny-rest': Flags.boolean({ description: 'Grant nothing else, and do not ask' }),
}

export const DIGEST_FLAG = Flags.string({
  description: 'What it must be: sha256:… of the file, or of the manifest of an artifact',
})

type ConsentFlags = { readonly [name in Exclude<keyof typeof CONSENT_FLAGS, 'grant'>]?: boolean } & {
  readonly grant?: readonly string[] | undefined
}

export interface FlagConsent {
  /** Kinds, `all`, or whole permissions. */
  readonly allowed: ReadonlySet<string>
  readonly denyRest: boolean
  readonly ask: ((question: string) => Promise<boolean>) | undefined
}

export function readConsent(flags: ConsentFlags): FlagConsent {
  const kinds = [...KINDS, 'all' as const].filter((kind) => flags[`allow-${kind}`])
  const allowed = new Set<string>([...kinds, ...(flags.grant ?? [])])
  const terminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  return { allowed, denyRest: flags['deny-rest'] ?? false, ask: terminal ? ask : undefined }
}

async function ask(question: string): Promise<boolean> {
  const { confirmSafely } = await import('./prompt.ts')
  return confirmSafely(question)
}
