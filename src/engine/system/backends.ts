/** Which isolation backends there are, and whether each works on this host. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { readHierarchies } from '../../linux/cgroups/hierarchies.ts'
import { whyNotHere } from '../../linux/runtime-quirks.ts'
import { mayMakeUserNamespaces } from '../../linux/user-namespaces.ts'
import { nativeProgram } from '../../package-root.ts'
import type { Paths } from '../../paths.ts'
import { extensionNames } from '../../plugins/npm/extension.ts'

export interface BackendInfo {
  readonly Name: string
  readonly Works: boolean
  /** Why it does not work; empty where it does. */
  readonly Reason: string
  /** Of foreign runtimes. */
  readonly Path: string
}

const RUNTIMES = ['runc', 'crun', 'runsc', 'youki', 'kata-runtime']

/** Ours first. Of foreign runtimes those that are installed, and `runc` in any case. */
export function listBackends(): readonly BackendInfo[] {
  const runtimes = RUNTIMES.map((name) => ({ name, path: findOnPath(name) }))
  return [
    backend('linux', whyNoLinux()),
    backend('wasi', undefined),
    ...runtimes
      .filter(({ name, path }) => path !== undefined || name === 'runc')
      .map(({ name, path }) => backend(`oci:${name}`, whyNoRuntime(path), path)),
  ]
}

/** Those that npm plugins bring. One that cannot be loaded does not work, and says why. */
export async function listPluginBackends(paths: Paths): Promise<readonly BackendInfo[]> {
  const names = extensionNames(paths, 'backends')
  return Promise.all(names.map(async (name) => backend(`plugin:${name}`, await whyNoPlugin(paths, name))))
}

async function whyNoPlugin(paths: Paths, name: string): Promise<string | undefined> {
  try {
    const { openPluginBackend } = await import('../plugin-backend.ts')
    const support = (await openPluginBackend(paths, name)).check({ os: 'linux', architecture: process.arch })
    return support.ok ? undefined : support.reason
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function backend(Name: string, reason: string | undefined, path = ''): BackendInfo {
  return { Name, Works: reason === undefined, Reason: reason ?? '', Path: path }
}

function whyNoLinux(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (!existsSync(nativeProgram)) return `the native program is missing: ${nativeProgram}`
  return mayMakeUserNamespaces() ? undefined : 'ordinary users may make no user namespaces here'
}

function whyNoRuntime(path: string | undefined): string | undefined {
  if (path === undefined) return 'not installed'
  return process.geteuid?.() === 0 ? whyNotHere(path, readHierarchies()) : 'needs root'
}

function findOnPath(name: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '')
  return directories.map((directory) => join(directory, name)).find((path) => existsSync(path))
}
