/** What containers with a filter were refused, as their supervisors have written it down (native/resolve-tried.h). */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tried } from './types.ts'

const MAX_BYTES = 2 * 1024 * 1024

/**
 * Oldest first. Nothing was refused where nothing was written; lines that make no sense (half of one, on a full disk) are left out.
 *
 * @param directory - that of the step `resolver`
 */
export async function readTried(directory: string): Promise<readonly Tried[]> {
  const files = await Promise.all(['tried.1', 'tried'].map((name) => readStart(join(directory, name))))
  return files
    .join('')
    .split('\n')
    .flatMap((line) => parseTried(line) ?? [])
}

async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** @returns undefined when the line is none of ours */
export function parseTried(line: string): Tried | undefined {
  const fields = parseObject(line)
  const { time, kind, name, address, port, protocol } = fields
  if (typeof time !== 'string') return undefined
  if (kind === 'name' && typeof name === 'string') return { time, kind, name }
  if (kind !== 'connect' || typeof address !== 'string' || typeof protocol !== 'string') return undefined
  return { time, kind, address, ...(typeof port === 'number' ? { port } : {}), protocol }
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {} // not a line of ours
  }
}
