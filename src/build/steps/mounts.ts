/** `RUN --mount`: what is mounted while the command runs, and how much of it counts for the cache. */
import { join, posix } from 'node:path'
import { type ByteString, byteString, openApplier } from '../../linux/apply.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import type { MountSpec } from '../../oci/runtime-spec.ts'
import type { FileTree, Found } from '../copy/tree.ts'
import type { Mount, SecretMount } from '../dockerfile/mount.ts'
import { NotGranted, SourceMissing } from '../errors.ts'
import { freshDirectory, makeScratch, makeSecretDirectory } from '../scratch.ts'
import { openCacheMount } from './cache-mount.ts'
import type { StepOptions, Tree } from './options.ts'
import { openAgent } from './ssh-agent.ts'

export interface MountPlan {
  /** What of it the result may depend on. */
  readonly shape: readonly unknown[]
  /** @param doubt - told that files are not any more what `shape` says */
  open(doubt: () => void): Promise<OpenMounts>
}

export interface OpenMounts extends AsyncDisposable {
  readonly mounts: readonly MountSpec[]
  /** `NAME=value` of secrets. */
  readonly env: readonly string[]
}

export interface MountContext {
  readonly options: StepOptions
  readonly workingDirectory: string
}

/** @throws {NotGranted} a secret or an agent that is required is not there */
export async function planMounts(mounts: readonly Mount[], context: MountContext): Promise<MountPlan> {
  const planned: PlannedMount[] = []
  for (const [index, mount] of mounts.entries()) planned.push(await planMount(mount, { ...context, index }))
  return {
    shape: planned.map(({ shape }) => shape),
    open: async (doubt) => {
      const stack = new AsyncDisposableStack()
      try {
        const specs: MountSpec[] = []
        const env: string[] = []
        for (const one of planned) {
          const opened = await one.open(stack, doubt)
          specs.push(...opened.mounts)
          env.push(...opened.env)
        }
        return { mounts: specs, env, [Symbol.asyncDispose]: () => stack.disposeAsync() }
      } catch (error) {
        await stack.disposeAsync()
        throw error
      }
    },
  }
}

interface Opened {
  readonly mounts: readonly MountSpec[]
  readonly env: readonly string[]
}

interface PlannedMount {
  readonly shape: unknown
  /** @param stack - takes what has to be undone after the command */
  open(stack: AsyncDisposableStack, doubt: () => void): Promise<Opened>
}

interface Planning extends MountContext {
  readonly index: number
}

async function planMount(mount: Mount, context: Planning): Promise<PlannedMount> {
  switch (mount.type) {
    case 'bind':
      return planBind(mount, context)
    case 'cache':
      return planCache(mount, context)
    case 'tmpfs':
      return planTmpfs(mount, context)
    case 'secret':
      return planSecret(mount, context)
    case 'ssh':
      return planSsh(mount, context)
  }
}

function targetOf(target: string, { workingDirectory }: MountContext): string {
  return posix.resolve('/', workingDirectory, target)
}

const only = (mount: MountSpec): Opened => ({ mounts: [mount], env: [] })

async function planBind(mount: Extract<Mount, { type: 'bind' }>, context: Planning): Promise<PlannedMount> {
  const { options } = context
  const destination = targetOf(mount.target, context)
  const from = await treeOf(mount.from, context)
  const source = posix.resolve('/', mount.source ?? '').slice(1)
  const find = async () => {
    const opened = await from.open()
    const found = opened.tree.resolve(byteString(source))
    if (found === undefined) throw new SourceMissing(`/${source}`)
    return { ...opened, found }
  }
  const digest = async () => {
    const { tree, found } = await find()
    return tree.digest(found, { keep: () => true, excluded: [], signal: options.signal })
  }
  const identity = from.identity ?? (await digest())
  return {
    shape: ['bind', destination, source, identity, mount.readOnly],
    open: async (stack, doubt) => {
      const scratch = stack.use(makeScratch(options.room.paths))
      const writable = { upper: join(scratch.path, 'upper'), work: join(scratch.path, 'work') }
      const { tree, layers, found } = await find()
      if (found.path === '' && layers !== undefined) {
        for (const path of Object.values(writable)) freshDirectory(path, 0o755)
        return only(overlayMount(destination, layers, { ...writable, readOnly: mount.readOnly }))
      }
      const copy = join(scratch.path, 'files')
      if (!(await materialise({ ...found, tree }, copy, options.signal))) doubt()
      const path = found.isDirectory ? copy : join(copy, 'file')
      return only({
        destination,
        type: 'bind',
        source: path,
        options: ['rbind', 'rprivate', ...(mount.readOnly ? ['ro'] : [])],
      })
    },
  }
}

async function treeOf(from: string | undefined, { options }: MountContext): Promise<Tree> {
  if (from !== undefined) return options.origin(from)
  return options.context()
}

/** Layers as one tree; an ordinary user's overlay keeps its marks elsewhere. */
export function overlayMount(
  destination: string,
  layers: readonly string[],
  { upper, work, readOnly }: { readonly upper: string; readonly work: string; readonly readOnly: boolean },
): MountSpec {
  const lower = layers.map((path) => path.replace(/[:\\]/g, '\\$&')).join(':')
  const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`]
  return {
    destination,
    type: 'overlay',
    source: 'overlay',
    options: [...options, ...(readOnly ? ['ro'] : []), ...(userIdMaps() === undefined ? [] : ['userxattr'])],
  }
}

interface Part extends Found {
  readonly tree: FileTree
}

/**
 * A copy that a mount can show: a file of it is called `file`.
 *
 * @returns false: something has changed since its digest was made
 */
async function materialise(part: Part, directory: string, signal: AbortSignal): Promise<boolean> {
  freshDirectory(directory, 0o755)
  await using applier = openApplier(directory, { idMaps: userIdMaps(), source: part.tree.source })
  const place = (relative: ByteString) => (relative === '' ? (part.isDirectory ? undefined : 'file') : relative)
  const isSame = await part.tree.copy(part, applier, { place, attributes: (entry) => entry, signal })
  return (await applier.finish()) && isSame
}

async function planCache(mount: Extract<Mount, { type: 'cache' }>, context: Planning): Promise<PlannedMount> {
  const { options } = context
  const destination = targetOf(mount.target, context)
  return {
    shape: ['cache', destination, mount.readOnly],
    open: async (stack) => {
      const seed =
        mount.from === undefined
          ? undefined
          : async (directory: string) => {
              const { tree } = await (await treeOf(mount.from, context)).open()
              const found = tree.resolve(byteString(posix.resolve('/', mount.source ?? '').slice(1)))
              if (found?.isDirectory !== true) throw new SourceMissing(mount.source ?? '/')
              await materialise({ ...found, tree }, directory, options.signal)
            }
      const { sharing, mode = 0o755, uid = 0, gid = 0 } = mount
      const id = mount.id ?? destination
      const source = await openCacheMount(options, { id, sharing, mode, uid, gid, seed }, stack)
      return only({
        destination,
        type: 'bind',
        source,
        options: ['rbind', 'rprivate', ...(mount.readOnly ? ['ro'] : [])],
      })
    },
  }
}

function planTmpfs(mount: Extract<Mount, { type: 'tmpfs' }>, context: Planning): PlannedMount {
  const destination = targetOf(mount.target, context)
  const { sizeBytes, readOnly } = mount
  const options = ['nosuid', ...(sizeBytes > 0 ? [`size=${sizeBytes}`] : []), ...(readOnly ? ['ro'] : [])]
  return {
    shape: ['tmpfs', destination, sizeBytes, readOnly],
    open: async () => only({ destination, type: 'tmpfs', source: 'tmpfs', options }),
  }
}

/** Neither the value nor whether there is one counts: a secret must not be guessed from what the cache knows. */
function planSecret(mount: SecretMount, context: Planning): PlannedMount {
  const { options } = context
  const source = options.settings.secrets.get(mount.id)
  if (source === undefined && mount.required)
    throw new NotGranted(`secret ${mount.id}: not found`, { hint: `give it with --secret id=${mount.id},src=FILE` })
  const { target, env } = mount
  return {
    shape: ['secret', mount.id, target ?? '', env ?? ''],
    open: async (stack) => {
      if (source === undefined) return { mounts: [], env: [] }
      const { value } = source
      const variable = env === undefined ? [] : [`${env}=${value.toString()}`]
      if (target === undefined) return { mounts: [], env: variable }
      const directory = stack.use(makeSecretDirectory(options.room.paths))
      const path = join(directory.path, 'secret')
      const { mode = 0o400, uid = 0, gid = 0 } = mount
      await writeOwned(directory.path, 'secret', { value, mode, uid, gid })
      const destination = targetOf(target, context)
      const mounted: MountSpec = { destination, type: 'bind', source: path, options: ['bind', 'rprivate', 'ro'] }
      return { mounts: [mounted], env: variable }
    },
  }
}

/** As the command will see it: for an ordinary user's build too. */
async function writeOwned(
  directory: string,
  name: string,
  { value, ...owned }: { readonly value: Buffer; readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  await using applier = openApplier(directory, { idMaps: userIdMaps() })
  applier.file(name, { ...owned, mtimeSeconds: Math.floor(Date.now() / 1000), mtimeNanoseconds: 0 }, value.length)
  applier.data(value)
  applier.end()
  await applier.finish()
}

function planSsh(mount: Extract<Mount, { type: 'ssh' }>, context: Planning): PlannedMount {
  const { options, index } = context
  const agent = options.settings.ssh.get(mount.id)
  if (agent === undefined && mount.required)
    throw new NotGranted(`no SSH key "${mount.id}" forwarded from the client`, {
      hint: `give it with --ssh ${mount.id}`,
    })
  const target = mount.target ?? `/run/buildkit/ssh_agent.${index}`
  return {
    shape: ['ssh', mount.id, target],
    open: async (stack) => {
      if (agent === undefined) return { mounts: [], env: [] }
      const destination = targetOf(target, context)
      const { mode = 0o600, uid = 0, gid = 0 } = mount
      const source = await openAgent(options.room.paths, { agent, mode, uid, gid }, stack)
      const mounted: MountSpec = { destination, type: 'bind', source, options: ['bind', 'rprivate'] }
      return { mounts: [mounted], env: [`SSH_AUTH_SOCK=${destination}`] }
    },
  }
}
