/** Go templates as trees. */
import { TemplateError } from '../errors.ts'
import { lexTemplate, type Piece, type Token } from './lex.ts'

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: Nodes
      readonly otherwise: Nodes
    }
export type Nodes = readonly Node[]

export interface Pipeline {
  /** The action as typed, for messages. */
  readonly source: string
  /** `$x := …` declares, `$x = …` assigns; `range` may declare two. */
  readonly variables: readonly string[]
  readonly declares: boolean
  readonly commands: readonly Command[]
}

/** A function or method with its arguments, or a single operand. */
export type Command = readonly Operand[]

export type Operand =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly path: readonly string[] }

const MAX_DEPTH = 100
const BLOCKS = new Set(['if', 'with', 'range'])
const LITERALS: Readonly<Record<string, unknown>> = { true: true, false: false, nil: null }

/** @throws {TemplateError} */
export function parseTemplate(source: string): Nodes {
  const reader = { pieces: lexTemplate(source), next: 0 }
  const { nodes, end } = parseList(reader, 0)
  if (end !== undefined) throw new TemplateError(`template: :1: unexpected {{${end.word}}}`)
  return nodes
}

interface Reader {
  readonly pieces: readonly Piece[]
  next: number
}

/** What ended a list of nodes: `end` or `else`, with what follows the word. */
interface End {
  readonly word: 'end' | 'else'
  readonly source: string
  readonly rest: readonly Token[]
}

function parseList(reader: Reader, depth: number): { nodes: Nodes; end: End | undefined } {
  if (depth > MAX_DEPTH) throw new TemplateError('template: :1: nested too deeply')
  const nodes: Node[] = []
  for (let piece = reader.pieces[reader.next++]; piece !== undefined; piece = reader.pieces[reader.next++]) {
    if (piece.kind === 'text') {
      nodes.push(piece)
      continue
    }
    const [first, ...rest] = piece.tokens
    const word = first?.kind === 'word' ? first.value : ''
    if (word === 'end' || word === 'else') return { nodes, end: { word, source: piece.source, rest } }
    if (BLOCKS.has(word)) nodes.push(parseBlock(reader, word as 'if', { source: piece.source, tokens: rest, depth }))
    else nodes.push({ kind: 'print', pipeline: parsePipeline(piece.source, piece.tokens, 0) })
  }
  return { nodes, end: undefined }
}

interface BlockHead {
  readonly source: string
  readonly tokens: readonly Token[]
  readonly depth: number
}

function parseBlock(reader: Reader, kind: 'if' | 'with' | 'range', head: BlockHead): Node {
  const pipeline = parsePipeline(head.source, head.tokens, 0)
  const { nodes, end } = parseList(reader, head.depth + 1)
  if (end === undefined) throw new TemplateError('template: :1: unexpected EOF')
  return { kind, pipeline, body: nodes, otherwise: end.word === 'else' ? parseElse(reader, end, head.depth + 1) : [] }
}

/** `{{else}} … {{end}}`, or `{{else if …}}`, which shares the end of the block it belongs to. */
function parseElse(reader: Reader, { source, rest }: End, depth: number): Nodes {
  const [first, ...tokens] = rest
  if (first === undefined) {
    const { nodes, end } = parseList(reader, depth)
    if (end?.word !== 'end') throw new TemplateError(`template: :1: expected end; found ${end?.source ?? 'EOF'}`)
    return nodes
  }
  if (first.kind !== 'word' || (first.value !== 'if' && first.value !== 'with'))
    throw new TemplateError(`template: :1: unexpected <${source}> in else`)
  if (depth > MAX_DEPTH) throw new TemplateError('template: :1: nested too deeply')
  return [parseBlock(reader, first.value, { source, tokens, depth })]
}

function parsePipeline(source: string, tokens: readonly Token[], depth: number): Pipeline {
  if (depth > MAX_DEPTH) throw new TemplateError('template: :1: nested too deeply')
  const { variables, declares, rest } = takeVariables(tokens)
  const commands: Operand[][] = [[]]
  for (let index = 0; index < rest.length; index++) {
    const token = rest[index] as Token
    if (isSign(token, '|')) {
      commands.push([])
    } else if (isSign(token, '(')) {
      const close = closing(rest, index)
      const after = rest[close + 1]
      // `(index .Ports 0).Port`: the field belongs to the group.
      const path = after?.kind === 'field' && after.path.length > 0 ? after.path : []
      const pipeline = parsePipeline(source, rest.slice(index + 1, close), depth + 1)
      commands.at(-1)?.push({ kind: 'group', pipeline, path })
      index = close + (path.length > 0 ? 1 : 0)
    } else {
      commands.at(-1)?.push(parseOperand(token))
    }
  }
  if (commands.some((command) => command.length === 0))
    throw new TemplateError(`template: :1: missing value for command in {{${source}}}`)
  return { source, variables, declares, commands }
}

function takeVariables(tokens: readonly Token[]) {
  const at = tokens.findIndex((token) => isSign(token, ':=') || isSign(token, '='))
  if (at === -1) return { variables: [], declares: false, rest: tokens }
  const names = tokens.slice(0, at).filter((token) => !isSign(token, ','))
  const variables = names.map((token) => {
    if (token.kind !== 'variable' || token.path.length > 0 || token.name === '$')
      throw new TemplateError('template: :1: a variable is expected before :=')
    return token.name
  })
  if (variables.length === 0 || variables.length > 2)
    throw new TemplateError('template: :1: too many or too few declarations')
  return { variables, declares: isSign(tokens[at], ':='), rest: tokens.slice(at + 1) }
}

function parseOperand(token: Token): Operand {
  switch (token.kind) {
    case 'field':
    case 'variable':
      return token
    case 'string':
    case 'number':
      return { kind: 'literal', value: token.value }
    case 'word':
      if (Object.hasOwn(LITERALS, token.value)) return { kind: 'literal', value: LITERALS[token.value] }
      return { kind: 'function', name: token.value }
    case 'sign':
      throw new TemplateError(`template: :1: unexpected "${token.value}" in operand`)
    default:
      return token satisfies never
  }
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let index = open; index < tokens.length; index++) {
    const token = tokens[index]
    if (isSign(token, '(')) depth++
    if (isSign(token, ')') && --depth === 0) return index
  }
  throw new TemplateError('template: :1: unclosed left paren')
}

function isSign(token: Token | undefined, value: string): boolean {
  return token?.kind === 'sign' && token.value === value
}
