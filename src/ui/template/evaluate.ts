/** Runs a parsed template on data. */
import { TemplateError } from '../errors.ts'
import { FUNCTIONS } from './functions.ts'
import type { Command, Node, Nodes, Operand, Pipeline } from './parse.ts'
import { isTruthy, type PlainObject, printValue } from './values.ts'

/** Many times more than a table of everything on a host; stops `range` inside `range` inside `range`. */
const MAX_OUTPUT_LENGTH = 64 << 20

/** Functions among the data are methods: `{{.Label "key"}}`. */
export function evaluateTemplate(nodes: Nodes, data: unknown): string {
  const run = new Run(data)
  run.list(nodes, { dot: data, variables: new Map([['$', { value: data }]]) })
  return run.output.join('')
}

interface Scope {
  readonly dot: unknown
  readonly variables: Map<string, { value: unknown }>
}

class Run {
  readonly output: string[] = []
  readonly #root: unknown
  #length = 0

  constructor(root: unknown) {
    this.#root = root
  }

  list(nodes: Nodes, scope: Scope): void {
    for (const node of nodes) this.#node(node, scope)
  }

  #node(node: Node, scope: Scope): void {
    if (node.kind === 'text') {
      this.#print(node.text)
    } else if (node.kind === 'print') {
      const value = this.#pipeline(node.pipeline, scope)
      if (node.pipeline.variables.length === 0) this.#print(printValue(value))
    } else {
      const inner = { dot: scope.dot, variables: new Map(scope.variables) }
      if (node.kind === 'range') this.#range(node, inner)
      else this.#choose(node, inner)
    }
  }

  #choose(node: Extract<Node, { body: Nodes }>, inner: Scope): void {
    const value = this.#pipeline(node.pipeline, inner)
    const chosen = isTruthy(value) ? node.body : node.otherwise
    this.list(chosen, node.kind === 'with' && chosen === node.body ? { ...inner, dot: value } : inner)
  }

  #range({ pipeline, body, otherwise }: Extract<Node, { body: Nodes }>, scope: Scope): void {
    const value = this.#pipeline({ ...pipeline, variables: [] }, scope)
    const entries = entriesOf(value, pipeline.source)
    if (entries.length === 0) this.list(otherwise, scope)
    for (const [key, element] of entries) {
      const variables = new Map(scope.variables)
      const [first, second] = pipeline.variables
      if (first !== undefined) variables.set(first, { value: second === undefined ? element : key })
      if (second !== undefined) variables.set(second, { value: element })
      this.list(body, { dot: element, variables })
    }
  }

  #pipeline({ commands, variables, declares, source }: Pipeline, scope: Scope): unknown {
    let value: unknown
    for (const [index, command] of commands.entries()) {
      value = this.#command(command, { scope, source, piped: index === 0 ? [] : [value] })
    }
    for (const name of variables) {
      const existing = scope.variables.get(name)
      if (declares) scope.variables.set(name, { value })
      else if (existing === undefined) throw new TemplateError(`template: :1: undefined variable "${name}"`)
      else existing.value = value
    }
    return value
  }

  #command(command: Command, { scope, source, piped }: { scope: Scope; source: string; piped: unknown[] }): unknown {
    const [head, ...operands] = command
    if (head === undefined) throw new TemplateError(`template: :1: empty command in {{${source}}}`)
    const values = () => [...operands.map((operand) => this.#call(operand, scope, source)), ...piped]
    if (head.kind === 'function') return callFunction(head.name, values)
    const value = this.#operand(head, scope, source)
    if (typeof value === 'function') return value(...values())
    if (operands.length + piped.length > 0)
      throw new TemplateError(`template: :1: executing "" at <${source}>: can't give argument to non-function`)
    return value
  }

  /** An operand as an argument: a function or method without arguments is called. */
  #call(operand: Operand, scope: Scope, source: string): unknown {
    if (operand.kind === 'function') return callFunction(operand.name, () => [])
    const value = this.#operand(operand, scope, source)
    return typeof value === 'function' ? value() : value
  }

  #operand(operand: Operand, scope: Scope, source: string): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'field':
        return this.#follow(scope.dot, operand.path, source)
      case 'group':
        return this.#follow(this.#pipeline(operand.pipeline, scope), operand.path, source)
      case 'function':
        return callFunction(operand.name, () => [])
      case 'variable': {
        const variable = scope.variables.get(operand.name)
        if (variable === undefined) throw new TemplateError(`template: :1: undefined variable "${operand.name}"`)
        return this.#follow(variable.value, operand.path, source)
      }
      default:
        return operand satisfies never
    }
  }

  /**
   * A name that the document as a whole does not have is a typing error. Deeper down it may only be missing this once,
   * because what is empty is left out of JSON.
   */
  #follow(start: unknown, path: readonly string[], source: string): unknown {
    let value = start
    for (const name of path) {
      if (value === undefined || value === null) return undefined
      const known = typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, name)
      if (!known && (typeof value !== 'object' || Array.isArray(value) || value === this.#root))
        throw new TemplateError(`template: :1: executing "" at <${source}>: can't evaluate field ${name}`)
      value = known ? (value as PlainObject)[name] : undefined
    }
    return value
  }

  #print(text: string): void {
    this.#length += text.length
    if (this.#length > MAX_OUTPUT_LENGTH) throw new TemplateError('the output is too long')
    this.output.push(text)
  }
}

function callFunction(name: string, values: () => readonly unknown[]): unknown {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (found === undefined) throw new TemplateError(`template: :1: function "${name}" not defined`)
  return found(...values())
}

function entriesOf(value: unknown, source: string): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return [...value.entries()]
  if (value === undefined || value === null) return []
  if (typeof value === 'number' && value >= 0 && value <= 65_536) return Array.from({ length: value }, (_, i) => [i, i])
  if (typeof value === 'object') return Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  throw new TemplateError(`template: :1: executing "" at <${source}>: range can't iterate over ${printValue(value)}`)
}
