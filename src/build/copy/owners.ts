/** `--chown` and `--chmod`, once their variables are known. */
import { readLayerFile } from '../../containers/spec/layer-files.ts'
import { resolveUser } from '../../containers/spec/users.ts'
import { CopyFailed } from '../errors.ts'
import type { Owner } from './landing.ts'

/** passwd and group files larger than this are taken for hostile, and for missing. */
const MAX_USER_FILE_BYTES = 4 << 20

/**
 * `user[:group]`, names looked up in the layers. A number alone is the group's number as well.
 *
 * @throws {InvalidArgument} a name that the files do not have
 */
export function resolveOwner(text: string, lower: readonly string[]): Owner {
  const [user = '', group = ''] = text.split(':')
  if (text.split(':').length > 2) throw new CopyFailed(`invalid chown string: ${text}`)
  const whole = group === '' && /^\d+$/.test(user) ? `${user}:${user}` : text
  const read = (path: string) => readLayerFile(lower, path, MAX_USER_FILE_BYTES) ?? ''
  const { uid, gid } = resolveUser(whole, [], { passwd: read('/etc/passwd'), group: read('/etc/group') })
  return { uid, gid }
}

/** From the mode that a file has to the one it is given. */
export type ChangeMode = (mode: number, isDirectory: boolean) => number

const CLASSES: Readonly<Record<string, readonly number[]>> = { u: [6], g: [3], o: [0], a: [6, 3, 0], '': [6, 3, 0] }
const BITS: Readonly<Record<string, number>> = { r: 4, w: 2, x: 1 }

/** `755`, or `u=rwX,go=rX` as chmod(1) has it. @throws {CopyFailed} */
export function parseMode(text: string): ChangeMode {
  if (/^[0-7]{1,4}$/.test(text)) {
    const fixed = Number.parseInt(text, 8)
    return () => fixed
  }
  const clauses = text.split(',').map((clause) => {
    const [, who, changes] = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/.exec(clause) ?? []
    if (who === undefined || changes === undefined)
      throw new CopyFailed(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`)
    return { who: who === '' ? ['a'] : [...who], changes: [...changes.matchAll(/([-+=])([rwxXst]*)/g)] }
  })
  return (mode, isDirectory) =>
    clauses.reduce(
      (current, { who, changes }) =>
        changes.reduce(
          (value, [, operator = '', letters = '']) => change(value, { who, operator, letters, isDirectory }),
          current,
        ),
      mode & 0o7777,
    )
}

interface Change {
  readonly who: readonly string[]
  readonly operator: string
  readonly letters: string
  readonly isDirectory: boolean
}

function change(mode: number, { who, operator, letters, isDirectory }: Change): number {
  const canRun = isDirectory || (mode & 0o111) !== 0
  const triple = [...letters].reduce(
    (bits, letter) => bits | (letter === 'X' ? Number(canRun) : (BITS[letter] ?? 0)),
    0,
  )
  const shifts = who.flatMap((name) => CLASSES[name] ?? [])
  const special =
    (letters.includes('s') ? (shifts.includes(6) ? 0o4000 : 0) | (shifts.includes(3) ? 0o2000 : 0) : 0) |
    (letters.includes('t') ? 0o1000 : 0)
  const bits = shifts.reduce((sum, shift) => sum | (triple << shift), 0) | special
  const mask = shifts.reduce((sum, shift) => sum | (7 << shift), 0)
  if (operator === '+') return mode | bits
  return operator === '-' ? mode & ~bits : (mode & ~mask) | bits
}
