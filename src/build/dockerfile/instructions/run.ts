/** RUN. */
import { DockerfileInvalid } from '../errors.ts'
import { parseFlags } from '../flags.ts'
import { chompTabs, findHeredocs } from '../heredoc.ts'
import { checkMount } from '../mount.ts'
import { parseCommandLine } from '../words.ts'
import type { OwnOf, Unread } from './context.ts'
import { checkFileName } from './copy.ts'

const FLAGS = { mount: 'list', network: 'text', security: 'text', device: 'list' } as const
const NETWORKS = ['default', 'none', 'host'] as const
const SECURITIES = ['sandbox', 'insecure'] as const

export function parseRun(unread: Unread): OwnOf<'RUN'> {
  const flags = parseFlags(unread.flags, FLAGS)
  const { mount: mounts = [], device: devices = [] } = flags
  for (const mount of mounts) checkMount(mount)
  const command = parseCommandLine(unread.rest)
  const heredocs = command.form === 'exec' ? [] : unread.readHeredocs(findHeredocs(unread.rest))
  const [script] = heredocs
  if (script !== undefined && chompTabs(script.content).startsWith('#!')) checkFileName(script.name)
  return {
    kind: 'RUN',
    command,
    heredocs,
    mounts,
    devices,
    network: oneOf(NETWORKS, { value: flags.network ?? 'default', name: 'network mode' }),
    security: oneOf(SECURITIES, { value: flags.security ?? 'sandbox', name: 'security mode' }),
  }
}

function oneOf<Word extends string>(
  words: readonly Word[],
  { value, name }: { readonly value: string; readonly name: string },
): Word {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw new DockerfileInvalid(`invalid ${name} ${JSON.stringify(value.slice(0, 80))}`, {
    near: value,
    hint: `known: ${words.join(', ')}`,
  })
}
