/** Cuts a Go template (https://pkg.go.dev/text/template) into text and the tokens of its actions. */
import { TemplateError } from '../errors.ts'

export type Token =
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'sign'; readonly value: '|' | '(' | ')' | ':=' | '=' | ',' }

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] }

/** Templates are typed by hand; whatever is longer is a mistake or an attack. */
const MAX_TEMPLATE_LENGTH = 1 << 16

/** @throws {TemplateError} */
export function lexTemplate(source: string): readonly Piece[] {
  if (source.length > MAX_TEMPLATE_LENGTH) throw new TemplateError('template is too long')
  const pieces: Piece[] = []
  let trimNext = false
  for (let position = 0; position < source.length; ) {
    const open = source.indexOf('{{', position)
    const end = open === -1 ? source.length : open
    const trims = /^-\s/.test(source.slice(end + 2, end + 4))
    const text = trim(source.slice(position, end), trimNext, trims)
    if (text !== '') pieces.push({ kind: 'text', text })
    if (open === -1) break
    const { end: next, body } = readAction(source, open + (trims ? 3 : 2))
    trimNext = /\s-$/.test(body)
    const action = (trimNext ? body.slice(0, -1) : body).trim()
    if (!isComment(action)) pieces.push({ kind: 'action', source: action, tokens: lexAction(action) })
    position = next
  }
  return pieces
}

const isComment = (action: string): boolean => /^\/\*.*\*\/$/s.test(action)

function trim(text: string, start: boolean, end: boolean): string {
  const trimmed = start ? text.trimStart() : text
  return end ? trimmed.trimEnd() : trimmed
}

/** Up to the closing braces, which strings and comments may contain too. */
function readAction(source: string, start: number): { end: number; body: string } {
  const part = /"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*'|\/\*.*?\*\/|\}\}|./gsy
  part.lastIndex = start
  for (let match = part.exec(source); match !== null; match = part.exec(source)) {
    if (match[0] === '}}') return { end: part.lastIndex, body: source.slice(start, match.index) }
  }
  throw new TemplateError('template: :1: unclosed action')
}

const TOKEN =
  /\s*(?:(?<string>"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*')|(?<number>[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?))|(?<variable>\$\w*(?:\.[\p{L}_][\p{L}\d_]*)*)|(?<field>\.(?:[\p{L}_][\p{L}\d_]*(?:\.[\p{L}_][\p{L}\d_]*)*)?)|(?<word>[\p{L}_][\p{L}\d_]*)|(?<sign>:=|[|(),=]))/uy

function lexAction(action: string): readonly Token[] {
  const tokens: Token[] = []
  const token = new RegExp(TOKEN)
  for (let position = 0; action.slice(position).trim() !== ''; position = token.lastIndex) {
    token.lastIndex = position
    const groups = token.exec(action)?.groups
    if (groups === undefined) {
      const character = action.slice(position).trimStart()[0] ?? ''
      throw new TemplateError(`template: :1: unexpected "${character}" in operand`)
    }
    tokens.push(toToken(groups))
  }
  return tokens
}

function toToken(groups: Record<string, string | undefined>): Token {
  const { string, number, variable, field, word, sign } = groups
  if (string !== undefined) return { kind: 'string', value: unquote(string) }
  if (number !== undefined) return { kind: 'number', value: Number(number) }
  if (variable !== undefined) {
    const [name = '$', ...path] = variable.split('.')
    return { kind: 'variable', name, path }
  }
  if (field !== undefined) return { kind: 'field', path: field.split('.').filter((name) => name !== '') }
  if (word !== undefined) return { kind: 'word', value: word }
  return { kind: 'sign', value: sign as Extract<Token, { kind: 'sign' }>['value'] }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'" }

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1)
  if (quoted.startsWith('`')) return inner
  return inner.replace(/\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/gs, (escaped) => {
    if (escaped.length > 2) return String.fromCharCode(Number.parseInt(escaped.slice(2), 16))
    const value = ESCAPES[escaped.slice(1)]
    if (value === undefined) throw new TemplateError(`template: :1: unknown escape sequence ${escaped}`)
    return value
  })
}
