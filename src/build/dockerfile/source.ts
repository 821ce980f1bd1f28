/** From the bytes of a Dockerfile to its lines. */
import { DockerfileInvalid } from './errors.ts'
import type { Source } from './types.ts'

/** More than a person writes; less than what would make us slow. */
const MAX_BYTES = 16 * 1024 * 1024
const LINE_FEED = 0x0a

/** Lines keep a carriage return at their end: in a heredoc it is content. */
export interface DecodedSource extends Source {
  /** Numbers of the lines that are no UTF-8. Harmless in comments, an error elsewhere. */
  readonly damaged: ReadonlySet<number>
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
  if (whole !== undefined) return { name, lines: split(whole), damaged: new Set() }
  return decodeEachLine(bytes, name)
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
  const damaged = new Set<number>()
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, start)
    const end = feed === -1 ? bytes.length : feed
    const line = bytes.subarray(start, end)
    const text = decode(line)
    if (text === undefined) damaged.add(lines.length + 1)
    lines.push(text ?? new TextDecoder('utf-8').decode(line))
    start = end + 1
  }
  return { name, lines, damaged }
}
