/** The options of volumes (`--opt`), of which the driver local knows docker's: type, device, o and size. */
import { HostUnsupported, InvalidArgument } from '../errors.ts'

type Options = Readonly<Record<string, string>>

const KEYS = new Set(['type', 'device', 'o', 'size'])

/** Of the driver local. @throws {InvalidArgument} @throws {HostUnsupported} a size that nothing here can hold a volume to */
export function checkOptions(options: Options): void {
  const unknown = Object.keys(options).find((key) => !KEYS.has(key))
  if (unknown !== undefined)
    throw new InvalidArgument(`invalid option: "${unknown}"`, { hint: 'use type, device, o, size' })
  if (Object.keys(options).length === 0) return
  if (options['size'] !== undefined) checkSize(options)
  for (const key of ['type', 'device'])
    if ((options[key] ?? '') === '') throw new InvalidArgument(`missing required option: "${key}"`)
}

/** Only memory is given out by size: directories of one file system would need project quotas. */
function checkSize({ type, o = '', size = '' }: Options): void {
  if (sizeOption({ size }).length === 0) throw new InvalidArgument(`invalid size: '${size}'`)
  if (type === undefined)
    throw new HostUnsupported('quota size requested but no quota support', {
      hint: 'a volume in memory can have a size: --opt type=tmpfs --opt device=tmpfs --opt size=64m',
    })
  if (type !== 'tmpfs') throw new InvalidArgument(`a volume of the type ${type} cannot be given a size`)
  if (/(?:^|,)size=/.test(o)) throw new InvalidArgument('the size is told twice: by size and in o')
}

/** As an option of the mount, in bytes. */
export function sizeOption({ size }: Options): readonly string[] {
  const match = /^(\d{1,15})([kmgt])?i?b?$/i.exec(size ?? '')
  const bytes = Number(match?.[1]) * 1024 ** ' kmgt'.indexOf((match?.[2] ?? ' ').toLowerCase())
  return Number.isSafeInteger(bytes) && bytes > 0 ? [`size=${bytes}`] : []
}

export function sameOptions(one: Options, other: Options): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].every((key) => one[key] === other[key])
}
