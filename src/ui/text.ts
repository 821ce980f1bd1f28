/** Text for people: what to do with characters that a terminal would obey instead of showing. */

const CONTROLS = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu

/**
 * Makes control characters visible (`\u001b` becomes the six characters `\u001b`), line breaks and tabs excepted. Names,
 * labels and messages come from strangers; a terminal must not be moved, recoloured or made to type by them.
 */
export function neutralise(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export interface OutputStream {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

/** Writes a line; neutralised when it goes to a terminal, byte for byte when it goes to a program. */
export function writeLine(stream: OutputStream, line: string): void {
  stream.write(`${stream.isTTY === true ? neutralise(line) : line}\n`)
}

/** Words as a POSIX shell would read them back. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
