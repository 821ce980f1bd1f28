/** `--log-driver` and `--log-opt`. */
import { InvalidArgument } from '../../errors.ts'
import type { LogConfig, LogDriver } from '../config.ts'
import { requireJournal } from '../logs/journal.ts'
import { keyValues } from './environment.ts'
import { parseSize } from './values.ts'

export const OWN_LOG_DRIVERS: readonly LogDriver[] = ['json-file', 'local', 'none', 'journald']
const FILE_OPTIONS = ['max-size', 'max-file', 'compress', 'mode', 'max-buffer-size']
const DETAIL_OPTIONS = ['tag', 'labels', 'labels-regex', 'env', 'env-regex']

/** @throws {InvalidArgument} @throws {HostUnsupported} journald without a journal */
export function parseLogConfig(driver = 'json-file', options: readonly string[] = []): LogConfig {
  const Type = OWN_LOG_DRIVERS.find((known) => known === (driver === '' ? 'json-file' : driver))
  if (Type === undefined) return foreignConfig(driver, options)
  if (Type === 'journald') requireJournal()
  const Config = keyValues(options, 'log-opt')
  const isFile = Type === 'json-file' || Type === 'local'
  const known = Type === 'none' ? [] : [...DETAIL_OPTIONS, ...(isFile ? FILE_OPTIONS : [])]
  const unknown = Object.keys(Config).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new InvalidArgument(`unknown log opt '${unknown}' for ${Type} log driver`)
  if (isFile) fileLimits({ Type, Config })
  for (const name of ['labels-regex', 'env-regex']) checkPattern(name, Config[name])
  return { Type, Config }
}

/** Whether a plugin brings it is looked up later; what its options mean, it says itself. */
function foreignConfig(driver: string, options: readonly string[]): LogConfig {
  if (!/^[a-z0-9][a-z0-9_.-]{0,62}$/.test(driver))
    throw new InvalidArgument(`logger: no log driver named '${driver}' is registered`, {
      hint: `drivers: ${OWN_LOG_DRIVERS.join(', ')}`,
    })
  return { Type: driver, Config: keyValues(options, 'log-opt') }
}

/** Rotation is on by default: a chatty container does not fill the disk. */
const DEFAULT_SIZE_BYTES = 20 << 20
const DEFAULT_FILES = 5
const MAX_FILES = 1000

/** Bytes of one file (0: never rotated), and how many are kept. @throws {InvalidArgument} */
export function fileLimits({ Config }: LogConfig): { readonly maxSizeBytes: number; readonly maxFiles: number } {
  const size = Config['max-size']
  const files = Config['max-file']
  const maxSizeBytes = size === undefined ? DEFAULT_SIZE_BYTES : size === '-1' ? 0 : parseSize(size, 'max-size')
  const maxFiles = files === undefined ? DEFAULT_FILES : Number(files)
  if (!Number.isInteger(maxFiles) || maxFiles < 1 || maxFiles > MAX_FILES)
    throw new InvalidArgument(`invalid value for max-file: ${files}`, { hint: `a number from 1 to ${MAX_FILES}` })
  if (size !== undefined && size !== '-1' && maxSizeBytes <= 0)
    throw new InvalidArgument(`max-size must be a positive number: ${size}`)
  return { maxSizeBytes, maxFiles }
}

function checkPattern(name: string, pattern: string | undefined): void {
  if (pattern === undefined) return
  try {
    new RegExp(pattern)
  } catch (cause) {
    throw new InvalidArgument(`invalid value for ${name}: ${pattern}`, { cause })
  }
}
