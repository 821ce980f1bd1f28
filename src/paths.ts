/** Where Coracle keeps its data (design, section 4). Read from the environment once per process. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Paths {
  /** Data that must survive a reboot: `$CORACLE_ROOT`, `/var/lib/coracle`, rootless `~/.local/share/coracle`. */
  readonly root: string
  /** Sockets and pid records, may vanish at boot: `$CORACLE_RUN`, `/run/coracle`, rootless `$XDG_RUNTIME_DIR/coracle`. */
  readonly run: string
}

export function readPaths(env: NodeJS.ProcessEnv = process.env, uid: number = process.geteuid?.() ?? 0): Paths {
  const rootless = uid !== 0
  const data = env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share')
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/tmp/coracle-run-${uid}`
  return {
    root: env['CORACLE_ROOT'] ?? (rootless ? join(data, 'coracle') : '/var/lib/coracle'),
    run: env['CORACLE_RUN'] ?? (rootless ? join(runtime, 'coracle') : '/run/coracle'),
  }
}

/** Where the process that runs a module sees its container's files. */
export const MODULE_ROOT = '/.container/root'

export const statePath = (paths: Paths): string => join(paths.root, 'state.db')
/** Holds `_data`, what containers see of the volume. */
export const volumeDirectory = (paths: Paths, name: string): string => join(paths.root, 'volumes', name)
export const containerDirectory = (paths: Paths, id: string): string => join(paths.root, 'containers', id)
/** Only half of the id: with all of it the sockets inside would have names too long for the kernel (108 bytes). */
export const containerRunDirectory = (paths: Paths, id: string): string => join(paths.run, 'c', id.slice(0, 32))
/** Holds one directory for each single-file command. */
export const pluginsDirectory = (paths: Paths): string => join(paths.root, 'plugins')
export const pluginDirectory = (paths: Paths, name: string): string => join(paths.root, 'plugins', name)
/** Holds what npm has installed, one directory for each generation, and `index.json`, which says which one counts. */
export const npmDirectory = (paths: Paths): string => join(paths.root, 'npm')
/** What of npm plugins is known without looking at them. There is none where none is installed. */
export const npmIndexPath = (paths: Paths): string => join(paths.root, 'npm', 'index.json')
/** Is there only while a plugin has hooks. */
export const npmHooksPath = (paths: Paths): string => join(paths.root, 'npm', 'hooks.json')
