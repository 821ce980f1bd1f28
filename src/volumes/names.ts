/** docker's pattern for names of volumes. It lets no separator and no `..` through. */
import { InvalidArgument } from '../errors.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const LONGEST_NAME = 255

/** @throws {InvalidArgument} in docker's words */
export function checkVolumeName(name: string): void {
  if (NAME.test(name) && name.length <= LONGEST_NAME) return
  throw new InvalidArgument(
    `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  )
}
