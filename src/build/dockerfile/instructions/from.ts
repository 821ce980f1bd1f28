/** FROM. */
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import { splitBlanks } from '../words.ts'
import type { OwnOf, Unread } from './context.ts'

const STAGE_NAME = /^[a-z][a-z0-9_.-]{0,254}$/

export function parseFrom({ flags, rest }: Unread): OwnOf<'FROM'> {
  const { platform } = parseFlags(flags, { platform: 'text' })
  const [base, keyword, name, ...more] = splitBlanks(rest)
  const isNamed = keyword?.toLowerCase() === 'as' && name !== undefined && more.length === 0
  if (base === undefined || (keyword !== undefined && !isNamed))
    throw new DockerfileInvalid('FROM requires either one or three arguments', {
      near: keyword,
      hint: 'write FROM image, or FROM image AS name',
    })
  const own = { kind: 'FROM', base, ...(platform && { platform }) } as const
  if (keyword === undefined || name === undefined) return own
  if (!STAGE_NAME.test(name.toLowerCase()))
    throw new DockerfileInvalid(
      `invalid name for build stage: ${JSON.stringify(name.slice(0, 80))}, name can't start with a number or contain symbols`,
      { near: name },
    )
  return { ...own, as: { keyword, name } }
}
