/**
 * What Node's permission model leaves open, closed before a plugin's first line runs: `node:sqlite` opens any file, `process`
 * can signal other processes and change its user, `node:module` undoes all of this. Not the wall, but the plaster on it.
 */
import * as module from 'node:module'
import os from 'node:os'

const ALWAYS = [
  'assert',
  'assert/strict',
  'buffer',
  'crypto',
  'events',
  'fs',
  'fs/promises',
  'os',
  'path',
  'path/posix',
  'perf_hooks',
  'process',
  'querystring',
  'readline',
  'readline/promises',
  'stream',
  'stream/consumers',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers',
  'timers/promises',
  'tty',
  'url',
  'util',
  'util/types',
  'zlib',
]
const NET = ['dgram', 'dns', 'dns/promises', 'http', 'http2', 'https', 'net', 'tls']

/** Parts of Node that a plugin may import. */
export function allowedBuiltins(granted: readonly string[]): string[] {
  return [...ALWAYS, ...(granted.includes('net') ? NET : []), ...(granted.includes('run') ? ['child_process'] : [])]
}

const PROCESS_KEPT = new Set([
  ...[
    'abort',
    'argv',
    'argv0',
    'arch',
    'availableMemory',
    'constrainedMemory',
    'cpuUsage',
    'cwd',
    'env',
    'emitWarning',
  ],
  ...['execArgv', 'execPath', 'exit', 'exitCode', 'features', 'getActiveResourcesInfo', 'getegid', 'geteuid', 'getgid'],
  ...['getgroups', 'getuid', 'hrtime', 'memoryUsage', 'nextTick', 'permission', 'pid', 'platform', 'ppid', 'release'],
  ...['resourceUsage', 'stderr', 'stdin', 'stdout', 'title', 'umask', 'uptime', 'version', 'versions'],
  // Node itself calls these.
  ...[
    '_exiting',
    '_fatalException',
    '_tickCallback',
    '_events',
    '_eventsCount',
    '_maxListeners',
    'reallyExit',
    'domain',
  ],
  ...['emit', 'config', 'noDeprecation', 'throwDeprecation', 'traceDeprecation'],
])

export function narrowProcess(): void {
  for (const name of Object.getOwnPropertyNames(process)) {
    if (!PROCESS_KEPT.has(name)) Reflect.deleteProperty(process, name)
  }
  Reflect.deleteProperty(os, 'setPriority')
  module.syncBuiltinESMExports()
}
