/** `RUN --mount=…`. */
import { posix } from 'node:path'
import { splitCsv } from '../../util/csv.ts'
import { DockerfileInvalid } from './errors.ts'
import { applyField, type Draft, ONLY } from './mount-keys.ts'

/** Paths are as written: `target` is relative to the working directory (empty: that one itself), `source` lies in `from`. */
export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount

export interface BindMount {
  readonly type: 'bind'
  /** Stage, named context or image; undefined is the build context. */
  readonly from?: string
  readonly source?: string
  readonly target: string
  /** What a writable one is written is thrown away. */
  readonly readOnly: boolean
}

export interface CacheMount extends Owner {
  readonly type: 'cache'
  /** The target where none is given. */
  readonly id?: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly from?: string
  readonly source?: string
  readonly target: string
  readonly readOnly: boolean
}

export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** 0 is the kernel's default. */
  readonly sizeBytes: number
  readonly readOnly: boolean
}

export interface SecretMount extends Owner {
  readonly type: 'secret'
  readonly id: string
  /** The file; undefined when it goes into a variable only. */
  readonly target?: string
  /** The variable that holds it. */
  readonly env?: string
  /** An absent one fails the build; otherwise nothing is mounted. */
  readonly required: boolean
}

export interface SshMount extends Owner {
  readonly type: 'ssh'
  readonly id: string
  /** undefined: `/run/buildkit/ssh_agent.N`, N counted within the instruction. */
  readonly target?: string
  readonly required: boolean
}

/** undefined: the default of the type. */
interface Owner {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

/** What stage, context or image a mount needs: the one thing in it that is never expanded. @throws {DockerfileInvalid} */
export function mountOrigin(mount: string): string | undefined {
  return fieldsOf(mount).findLast(({ key }) => key.toLowerCase() === 'from')?.value || undefined
}

/** What can be checked before variables are known. @throws {DockerfileInvalid} */
export function checkMount(mount: string): void {
  const from = mountOrigin(mount)
  if (from !== undefined && /\$./.test(from))
    throw new DockerfileInvalid("'from' doesn't support variable expansion, define alias stage instead", {
      near: from,
      hint: `define a stage for it with an ARG before the first FROM: FROM ${from} AS name`,
    })
  if (!mount.includes('$')) parseMount(mount, (value) => value)
}

/**
 * Reads a mount.
 *
 * @param expand - puts variables and quotes of one value away
 * @throws {DockerfileInvalid} unknown keys and types, values that make no sense alone or together
 */
export function parseMount(mount: string, expand: (value: string) => string): Mount {
  const draft: Draft = { type: 'bind' }
  for (const { key, value } of fieldsOf(mount)) applyField(draft, key, value === undefined ? value : expand(value))
  for (const [key, types] of Object.entries(ONLY))
    if (draft[key as keyof Draft] !== undefined && !types.includes(draft.type))
      throw new DockerfileInvalid(`${key === 'sizeBytes' ? 'size' : key} not allowed for "${draft.type}" type mounts`, {
        near: mount,
      })
  return MAKERS[draft.type](draft)
}

interface Field {
  readonly key: string
  readonly value: string | undefined
}

function fieldsOf(mount: string): readonly Field[] {
  const fields = splitCsv(mount)
  if (fields === undefined)
    throw new DockerfileInvalid('failed to parse csv mounts: bare " in non-quoted field', { near: mount })
  return fields.map((field) => {
    const equals = field.indexOf('=')
    return equals === -1
      ? { key: field, value: undefined }
      : { key: field.slice(0, equals), value: field.slice(equals + 1) }
  })
}

const MAKERS: Readonly<Record<Mount['type'], (draft: Draft) => Mount>> = {
  bind: ({ from, source, target = '', readOnly = true }) => ({
    type: 'bind',
    ...given({ from, source }),
    target,
    readOnly,
  }),
  cache: ({ id, from, source, target = '', sharing = 'shared', readOnly = false, ...draft }) => ({
    type: 'cache',
    ...given({ id, from, source }),
    target,
    sharing,
    readOnly,
    ...ownerOf(draft),
  }),
  tmpfs: ({ target = '', sizeBytes = 0, readOnly = false }) => ({ type: 'tmpfs', target, sizeBytes, readOnly }),
  secret: makeSecret,
  ssh: makeSsh,
}

function makeSecret({ from, source, target, id, env, required = false, ...draft }: Draft): SecretMount {
  if (from !== undefined) throw new DockerfileInvalid('secret mount should not have a from', { near: 'from' })
  if (source && id) throw new DockerfileInvalid("both source and id can't be set", { near: source })
  const name = source || id || (target === undefined ? '' : posix.basename(target))
  if (name === '')
    throw new DockerfileInvalid('invalid secret mount. one of source, target required', { near: 'secret' })
  const path = target || (env === undefined ? `/run/secrets/${posix.basename(name)}` : undefined)
  const variable = env === '' ? name : env
  return { type: 'secret', id: name, ...given({ target: path, env: variable }), required, ...ownerOf(draft) }
}

function makeSsh({ source, target, id, required = false, ...draft }: Draft): SshMount {
  if (source) throw new DockerfileInvalid('ssh does not support source', { near: source })
  return { type: 'ssh', id: id || 'default', ...given({ target }), required, ...ownerOf(draft) }
}

function ownerOf({ mode, uid, gid }: Draft | Omit<Draft, 'type'>): Owner {
  return { ...(mode !== undefined && { mode }), ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) }
}

/** Without what is undefined or empty. */
function given<Name extends string>(
  values: Readonly<Record<Name, string | undefined>>,
): { readonly [Key in Name]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as { readonly [Key in Name]?: string }
}
