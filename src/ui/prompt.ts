/** Questions to whoever sits at the terminal. */
import { createInterface } from 'node:readline/promises'
import { Cancelled } from '../errors.ts'
import { neutralise } from './text.ts'

/** One line; `hidden` shows nothing of what is typed. @throws {Cancelled} Ctrl-C or Ctrl-D */
export async function askLine(question: string, options: { readonly hidden?: boolean } = {}): Promise<string> {
  const { stdin, stderr } = process
  if (options.hidden === true && stdin.isTTY) return askHidden(question)
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  const closed = new AbortController()
  lines.once('close', () => closed.abort(new Cancelled()))
  try {
    return await lines.question(question, { signal: closed.signal })
  } catch (error) {
    throw new Cancelled({ cause: error })
  } finally {
    lines.close()
  }
}

/** `Are you sure? [y/N]`: anything but yes means no. */
export async function confirm(warning: string): Promise<boolean> {
  const answer = await askLine(`${warning} [y/N] `)
  return /^y(?:es)?$/i.test(answer.trim())
}

/** Of a question that quotes strangers: what they wrote must not pass for anything else. */
export async function confirmSafely(question: string): Promise<boolean> {
  return confirm(neutralise(question))
}

/** Everything from standard input, without the last line break (`--password-stdin`). */
export async function readStdin(maxBytes = 1 << 20): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) break
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const BACKSPACE = new Set(['\u007f', '\b'])

/** In raw mode, so that the terminal echoes nothing; the mode is restored whatever happens. */
async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  stdin.setRawMode(true) // before the question: whoever answers at once must not be seen either
  stderr.write(question)
  stdin.setEncoding('utf8').resume()
  let typed = ''
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') return typed
        if (character === CTRL_C || character === CTRL_D) throw new Cancelled()
        typed = BACKSPACE.has(character) ? typed.slice(0, -1) : typed + character
      }
    }
    throw new Cancelled()
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}
