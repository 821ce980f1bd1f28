/** From the bytes of a Dockerfile to its lines. */
import { DockerfileInvalid } from './errors.ts'
import type { Source } from './types.ts'

/** More than a person writes; less than what would make us slow. */
const MAX_BYTES = 16 * 1024 * 1024
const LINE_FEED = 0x0a

/** Lines keep a carriage return at their end: in a heredoc it is content. */
export interface DecodedSource extends Source {
  /** What is wrong with the characters of a line, by its number. Harmless in comments, an error elsewhere. */
  readonly damaged: ReadonlyMap<number, string>
}

/**
 * Decodes a Dockerfile; a byte order mark is dropped.
 *
 * @throws {DockerfileInvalid} larger than 16 MiB, or empty
 */
export function decodeSource(bytes: Uint8Array, name: string): DecodedSource {
  if (bytes.length > MAX_BYTES) throw new DockerfileInvalid(`${name} is larger than ${MAX_BYTES >> 20} MiB`)
  if (bytes.length === 0) throw new DockerfileInvalid('the Dockerfile cannot be empty')
  const whole = decode(bytes)
  if (whole === undefined || whole.includes('\0')) return decodeEachLine(bytes, name)
  return { name, lines: split(whole), damaged: new Map() }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** No line feed at the end makes no empty last line. */
function split(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function decodeEachLine(bytes: Uint8Array, name: string): DecodedSource {
  const lines: string[] = []
  const damaged = new Map<number, string>()
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, start)
    const end = feed === -1 ? bytes.length : feed
    const line = bytes.subarray(start, end)
    const text = decode(line)
    if (text === undefined) damaged.set(lines.length + 1, 'invalid UTF-8')
    else if (text.includes('\0')) damaged.set(lines.length + 1, 'a NUL character')
    lines.push(text ?? new TextDecoder('utf-8').decode(line))
    start = end + 1
  }
  return { name, lines, damaged }
}
