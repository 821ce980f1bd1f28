/** What the parsers of single instructions get and give. */
import { DockerfileInvalid } from '../errors.ts'
import type { HeredocHead } from '../heredoc.ts'
import type { Escape, FromInstruction, Heredoc, Instruction, Kind } from '../types.ts'

/** An instruction whose keyword and flags are known, the rest is not read yet. */
export interface Unread {
  readonly kind: Kind
  readonly flags: readonly string[]
  readonly rest: string
  readonly token: Escape
  /** Reads the bodies, once; to be called with the heads in the order of the line. */
  readonly readHeredocs: (heads: readonly HeredocHead[]) => readonly Heredoc[]
  /** The statement on one line. */
  readonly code: string
}

type Common = 'lines' | 'code' | 'keyword' | 'comments'
type WithoutCommon<Type> = Type extends unknown ? Omit<Type, Common> : never

/** What only this instruction has; the caller adds what all have. */
export type Own = WithoutCommon<Instruction | FromInstruction>
export type OwnOf<Wanted extends Kind> = Extract<Own, { readonly kind: Wanted }>

export function atLeastOne(kind: Kind): DockerfileInvalid {
  return new DockerfileInvalid(`${kind} requires at least one argument`)
}

/** The whole rest as one argument. */
export function exactlyOne({ kind, rest }: Unread): string {
  if (rest === '') throw new DockerfileInvalid(`${kind} requires exactly one argument`)
  return rest
}
