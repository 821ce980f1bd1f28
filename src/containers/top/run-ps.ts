/** Asks the host's `ps`, and keeps the lines of one container. */
import { execFile } from 'node:child_process'
import { InvalidArgument } from '../../errors.ts'
import { PsFailed, PsMissing } from '../exec/errors.ts'
import type { ProcessTable } from '../types.ts'

const DEFAULT_WORDS = ['-ef']
const MAX_OUTPUT_BYTES = 32 << 20
const TIMEOUT_MS = 20_000
/** A column of another kind that calls itself PID would choose the lines (as docker refuses it). */
const RENAMED_PID = /(\S*)=\s*PID/

/**
 * @param words - options of ps
 * @param pids - of the container
 * @returns undefined when there is no ps, and none is needed for the usual columns
 * @throws {PsMissing} @throws {PsFailed} @throws {InvalidArgument}
 */
export async function runPs(words: readonly string[], pids: ReadonlySet<number>): Promise<ProcessTable | undefined> {
  const [, renamed] = RENAMED_PID.exec(words.join(' ')) ?? []
  if (renamed !== undefined && renamed !== 'pid')
    throw new InvalidArgument(`specifying "${renamed}=PID" is not allowed`)
  const text = words.length === 0 ? await output(DEFAULT_WORDS) : await outputOf(words, pids)
  if (text !== undefined) return keepLines(text, pids)
  if (words.length > 0) throw new PsMissing()
  return undefined
}

/** Columns are parted by blanks; the last one holds the rest of its line. */
export function keepLines(text: string, pids: ReadonlySet<number>): ProcessTable {
  const [heading = '', ...lines] = text.split('\n')
  const titles = heading.trim().split(/\s+/)
  const pidColumn = titles.indexOf('PID')
  if (pidColumn === -1) throw new PsFailed("Couldn't find PID field in ps output")
  const processes = lines
    .filter((line) => line.trim() !== '')
    .map((line) => splitLine(line, titles.length))
    .filter((cells) => pids.has(Number(cells[pidColumn])))
  return { titles, processes }
}

function splitLine(line: string, columns: number): string[] {
  const cells = line.trim().split(/\s+/)
  return cells.length <= columns ? cells : [...cells.slice(0, columns - 1), cells.slice(columns - 1).join(' ')]
}

/** Asked for these processes, whosever they are; options in BSD's style do not go together with that (as with docker). */
async function outputOf(words: readonly string[], pids: ReadonlySet<number>): Promise<string | undefined> {
  try {
    return await output([...words, '-q', [...pids].join(',')])
  } catch (error) {
    if (error instanceof PsFailed) return await output(words)
    throw error
  }
}

function output(words: readonly string[]): Promise<string | undefined> {
  const options = { maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } }
  return new Promise((resolve, reject) => {
    execFile('ps', [...words], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') resolve(undefined)
      else reject(new PsFailed(`ps: ${stderr.trim().split('\n')[0] || error.message}`, { cause: error }))
    })
  })
}
