/** Drivers of npm plugins, found by name and opened. */
import type { Paths } from '../../paths.ts'
import type { LogDriver, LoggedContainer, NetworkDriver, VolumeDriver } from '../drivers.ts'
import { PluginFailed } from './errors.ts'
import { extensionNames, findExtension, openExtension } from './extension.ts'
import type { ExtensionKind } from './package-section.ts'

/** Does a plugin bring a driver of that name? */
export function hasDriver(paths: Paths, kind: ExtensionKind, name: string): boolean {
  return findExtension(paths, kind, name) !== undefined
}

/** Names of what plugins bring, for messages. */
export const driverNames: (paths: Paths, kind: ExtensionKind) => readonly string[] = extensionNames

const VOLUME_METHODS = ['create', 'remove', 'mount', 'unmount'] as const
const NETWORK_METHODS = ['create', 'remove', 'join', 'leave'] as const

/** @throws {PluginFailed} its plugin is not installed (any more), or fails */
export function openVolumeDriver(paths: Paths, name: string): Promise<VolumeDriver> {
  return open(paths, 'volumeDrivers', { name, methods: VOLUME_METHODS })
}

/** @throws {PluginFailed} */
export function openNetworkDriver(paths: Paths, name: string): Promise<NetworkDriver> {
  return open(paths, 'networkDrivers', { name, methods: NETWORK_METHODS })
}

/** @throws {PluginFailed} */
export function openLogDriver(paths: Paths, name: string, container: LoggedContainer): Promise<LogDriver> {
  return open(paths, 'logDrivers', { name, methods: ['write', 'close'] as const, more: [container] })
}

const KIND_HINTS: Partial<Record<ExtensionKind, string>> = {
  volumeDrivers: 'install it again, or forget what it keeps: coracle volume rm --force',
  networkDrivers: 'install it again, or forget its networks: coracle network rm --force',
}

interface Opening<T> {
  readonly name: string
  readonly methods: readonly (keyof T & string)[]
  readonly more?: readonly unknown[]
}

async function open<T extends object>(paths: Paths, kind: ExtensionKind, { name, ...options }: Opening<T>): Promise<T> {
  const extension = findExtension(paths, kind, name)
  if (extension === undefined)
    throw new PluginFailed(
      `the ${kind.slice(0, -1).replace(/[A-Z]/g, ' $&').toLowerCase()} ${name}`,
      'no plugin that brings it is installed',
      {
        hint: KIND_HINTS[kind] ?? 'see coracle plugins',
      },
    )
  return openExtension<T>(paths, extension, options)
}
