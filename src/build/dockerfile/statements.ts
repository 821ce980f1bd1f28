/** Lines to statements: continued lines are joined, comments dropped, heredoc bodies taken. */
import { DockerfileInvalid } from './errors.ts'
import { chompTabs, type HeredocHead } from './heredoc.ts'
import type { DecodedSource } from './source.ts'
import type { Escape, Heredoc, Lines } from './types.ts'

/** One instruction on one line. */
export interface Statement {
  readonly text: string
  readonly lines: Lines
  /** The block of comments right above, one element for each line. */
  readonly comments: readonly string[]
  /** An empty line stands between continued ones: most likely the instruction was meant to end there. */
  readonly hasEmptyContinuation: boolean
}

/** Reads a file from top to bottom; only the parser knows which statement is followed by heredocs. */
export class StatementReader {
  readonly #source: DecodedSource
  readonly #token: Escape
  /** Index of the next line. */
  #next: number

  constructor(source: DecodedSource, token: Escape, skipLines: number) {
    this.#source = source
    this.#token = token
    this.#next = skipLines
  }

  /** @throws {DockerfileInvalid} a line is no UTF-8 */
  read(): Statement | undefined {
    let comments: string[] = []
    for (; this.#next < this.#source.lines.length; this.#next += 1) {
      const line = withoutEnd(this.#source.lines[this.#next] ?? '').trimStart()
      const comment = commentOf(line)
      // Only a block that touches the instruction belongs to it.
      if (comment === undefined && line !== '') return this.#readFrom(comments)
      if (comment === undefined || comment === '') comments = []
      else comments.push(comment)
    }
    return undefined
  }

  #readFrom(comments: readonly string[]): Statement | undefined {
    const start = this.#next + 1
    const parts: string[] = []
    let hasEmptyContinuation = false
    for (let isContinued = true; isContinued && this.#next < this.#source.lines.length; ) {
      const line = withoutEnd(this.#source.lines[this.#next] ?? '')
      this.#next += 1
      if (commentOf(line.trimStart()) !== undefined) continue
      this.#mustBeText(this.#next)
      if (line.trim() === '') {
        hasEmptyContinuation = true
        continue
      }
      const content = this.#continued(line)
      isContinued = content !== undefined
      parts.push(content ?? line)
    }
    const text = parts.join('').trim()
    const lines = { start, end: this.#next }
    return text === '' ? this.read() : { text, lines, comments, hasEmptyContinuation }
  }

  /** What stands before the escape character at the end; undefined where there is none, or an escaped one. */
  #continued(line: string): string | undefined {
    const end = trimBlanks(line)
    if (!end.endsWith(this.#token) || end.at(-2) === this.#token) return undefined
    return end.slice(0, -1)
  }

  /**
   * The bodies of the heredocs that a statement opens, in their order.
   *
   * @throws {DockerfileInvalid} the file ends within one
   */
  readHeredocs(heads: readonly HeredocHead[]): { readonly heredocs: readonly Heredoc[]; readonly end: number } {
    const heredocs = heads.map((head) => ({ ...head, content: this.#readBody(head) }))
    return { heredocs, end: this.#next }
  }

  #readBody(head: HeredocHead): string {
    const start = this.#next
    for (; this.#next < this.#source.lines.length; this.#next += 1) {
      const line = withoutEnd(this.#source.lines[this.#next] ?? '')
      this.#mustBeText(this.#next + 1)
      if ((head.chomp ? chompTabs(line) : line) !== head.name) continue
      const content = this.#source.lines.slice(start, this.#next).map((one) => `${one}\n`)
      this.#next += 1
      return content.join('')
    }
    throw new DockerfileInvalid('unterminated heredoc', {
      near: `<<${head.chomp ? '-' : ''}`,
      hint: `end it with a line that holds nothing but ${head.name}`,
    })
  }

  #mustBeText(number: number): void {
    const damage = this.#source.damaged.get(number)
    if (damage === undefined) return
    const place = { source: this.#source, lines: { start: number, end: number } }
    throw new DockerfileInvalid(damage, { hint: 'save the file as UTF-8 text' }, place)
  }
}

/** Text of a comment, `undefined` for anything else. @param line - without blanks at its beginning */
function commentOf(line: string): string | undefined {
  return line.startsWith('#') ? line.slice(1).trim() : undefined
}

function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.replace(/\r+$/, '') : line
}

/** Blanks and tabs only, and in linear time whatever stands before them. */
function trimBlanks(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1
  return line.slice(0, end)
}
