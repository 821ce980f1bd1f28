/** Which backend runs an image: what the user says, else what the platform of the image needs. */
import { InvalidArgument } from '../errors.ts'
import type { IsolationBackend } from '../plugins/contract.ts'
import { PlatformUnsupported } from './errors.ts'
import type { Source } from './obtain-image.ts'
import type { ContainerRoom } from './room.ts'

const WASM_OS = new Set(['wasi', 'wasip1', 'wasip2'])
const WASM_ARCHITECTURES = new Set(['wasm', 'wasm32', 'wasm64'])

/**
 * @param runtime - of `--runtime`: empty, `linux`, `wasi`, or an OCI runtime by name or path
 * @returns the name under which `openBackend` knows it
 */
export function backendName(
  runtime: string,
  source: Pick<Source, 'platform' | 'annotations' | 'content'>,
  argv: readonly string[],
): string {
  const wasm = isWasm(source, argv)
  if (runtime === '') return wasm ? 'wasi' : 'linux'
  if (runtime === 'wasi') return runtime
  if (wasm && (source.content.kind === 'module' || WASM_ARCHITECTURES.has(source.platform.architecture)))
    throw new InvalidArgument(`the runtime ${runtime} does not run WebAssembly`, { hint: 'leave --runtime out' })
  return runtime === 'linux' || runtime === 'native' ? 'linux' : `oci:${runtime}`
}

/** An image may ask for the sandbox by annotation; never for less isolation than its platform implies. */
function isWasm(
  { platform, annotations, content }: Pick<Source, 'platform' | 'annotations' | 'content'>,
  argv: readonly string[],
): boolean {
  if (content.kind === 'module' || WASM_OS.has(platform.os) || WASM_ARCHITECTURES.has(platform.architecture))
    return true
  const handler = annotations['run.oci.handler'] ?? annotations['module.wasm.image/variant']
  if (handler === 'wasm' || handler === 'compat') return true
  return (handler === 'wasm-smart' || handler === 'compat-smart') && /\.wa(?:sm|t)$/.test(argv[0] ?? '')
}

/** A name that is none of ours may be that of a plugin's; what no plugin has is the name of an OCI runtime. */
export async function settleBackend({ paths }: Pick<ContainerRoom, 'paths'>, name: string): Promise<string> {
  if (!name.startsWith('oci:') || name.includes('/')) return name
  const { isPluginBackend, PLUGIN_BACKEND } = await import('../plugins/npm/backend.ts')
  const own = name.slice('oci:'.length)
  return isPluginBackend(paths, own) ? `${PLUGIN_BACKEND}${own}` : name
}

/** @throws {PlatformUnsupported} this host cannot run the image */
export async function openChecked(room: ContainerRoom, name: string, source: Source): Promise<IsolationBackend> {
  const backend = await room.openBackend(name)
  const support = backend.check(source.platform)
  if (!support.ok) throw new PlatformUnsupported(support.reason, { hint: support.hint })
  return backend
}
