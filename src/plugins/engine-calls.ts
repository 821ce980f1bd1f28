/** What plugins may ask of the engine, by the names of the contract: what each needs, and what makes a sensible parameter. */
import { PermissionsNeeded, PluginMisbehaved } from './errors.ts'
import type { ListedContainer, ListedImage, Permission } from './plugin.ts'

export interface ListParameters {
  readonly all: boolean
  readonly filters: readonly string[]
}

/** Answered one after the other; `run`, which lasts, is apart (`engine-runs.ts`). */
export interface EngineCalls {
  readonly 'images.list': (options: ListParameters) => Promise<readonly ListedImage[]>
  readonly 'images.inspect': (name: string) => Promise<unknown>
  readonly 'images.pull': (name: string) => Promise<void>
  readonly 'images.remove': (name: string) => Promise<void>
  readonly 'containers.list': (options: ListParameters) => Promise<readonly ListedContainer[]>
  readonly 'containers.inspect': (name: string) => Promise<unknown>
  readonly 'containers.stop': (name: string) => Promise<void>
  readonly 'containers.remove': (name: string) => Promise<void>
}

const NEEDED: Readonly<Record<keyof EngineCalls | 'run', Permission>> = {
  'images.list': 'engine:read',
  'images.inspect': 'engine:read',
  'images.pull': 'engine:write',
  'images.remove': 'engine:write',
  'containers.list': 'engine:read',
  'containers.inspect': 'engine:read',
  'containers.stop': 'engine:write',
  'containers.remove': 'engine:write',
  run: 'engine:run',
}

const MAX_NAME_LENGTH = 1000

/** @throws {PluginMisbehaved} there is no such call @throws {PermissionsNeeded} */
export function checkGranted(method: string, granted: readonly Permission[]): void {
  if (!isCall(method)) throw new PluginMisbehaved(`the engine offers no ${method.slice(0, 100)}`)
  if (!granted.includes(NEEDED[method]))
    throw new PermissionsNeeded(`it was not granted ${NEEDED[method]}, which ${method} needs`)
}

/** A call that has been granted. @throws {PluginMisbehaved} its parameter makes no sense */
export async function answerCall(calls: EngineCalls, method: string, parameter: unknown): Promise<unknown> {
  if (!isCall(method) || method === 'run') throw new PluginMisbehaved(`${method} is answered elsewhere`)
  if (method === 'images.list' || method === 'containers.list') return calls[method](readListParameters(parameter))
  return calls[method](readName(parameter, method))
}

function isCall(method: string): method is keyof typeof NEEDED {
  return Object.hasOwn(NEEDED, method)
}

function readListParameters(parameter: unknown): ListParameters {
  const { all, filters = [] } = (parameter ?? {}) as { all?: unknown; filters?: unknown }
  if (!Array.isArray(filters) || !filters.every((each) => typeof each === 'string'))
    throw new PluginMisbehaved('filters must be a list of texts')
  return { all: all === true, filters }
}

function readName(parameter: unknown, method: string): string {
  if (typeof parameter !== 'string' || parameter === '' || parameter.length > MAX_NAME_LENGTH)
    throw new PluginMisbehaved(`${method} needs a name`)
  return parameter
}
