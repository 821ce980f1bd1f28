/** What `system check` looks at and finds, in every room alike. */

/** Something in the store that is not as it should be. */
export interface Finding {
  readonly kind:
    | 'damaged-blob'
    | 'missing-blob'
    | 'damaged-snapshot'
    | 'missing-snapshot'
    | 'missing-files'
    | 'orphaned-files'
    | 'orphaned-record'
    | 'stale-record'
    | 'missing-rules'
    | 'orphaned-rules'
    | 'orphaned-link'
    | 'database'
  /** What it is about: a digest, a path, a name. */
  readonly subject: string
  /** One sentence. */
  readonly problem: string
  /** What `--repair` did, or would do; undefined: the user has to (the sentence says what). */
  readonly repair: string | undefined
  readonly repaired: boolean
}

export type Checked = 'blobs' | 'snapshots' | 'images' | 'containers' | 'files'

export interface CheckOptions {
  readonly repair: boolean
  /** Sizes and references only: neither digests nor the files of snapshots. */
  readonly quick: boolean
  readonly signal?: AbortSignal | undefined
  /** What is being looked at, and how far it is: `Checking blobs`, 3, 12. */
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined
}

export interface CheckReport {
  /** How many of each kind were looked at. */
  readonly checked: Readonly<Record<Checked, number>>
  readonly findings: readonly Finding[]
}

/** What one room contributes. */
export interface RoomReport {
  readonly checked: Partial<Readonly<Record<Checked, number>>>
  readonly findings: readonly Finding[]
}

/** A finding that can be mended: mended now if that was asked for. A repair that fails says why, and the finding stays. */
export async function mendable(
  { repair: wanted }: Pick<CheckOptions, 'repair'>,
  finding: Omit<Finding, 'repaired' | 'repair'> & { readonly repair: string },
  mend: () => Promise<boolean | string>,
): Promise<Finding> {
  if (!wanted) return { ...finding, repaired: false }
  try {
    const done = await mend()
    return typeof done === 'string' ? { ...finding, repair: done, repaired: true } : { ...finding, repaired: done }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ...finding, problem: `${finding.problem}; the repair failed: ${reason}`, repaired: false }
  }
}
