/** `--format`: the part of Go's text/template that docker's users use. */
import { evaluateTemplate } from './evaluate.ts'
import { parseTemplate } from './parse.ts'

/**
 * Parses once, for many rows.
 *
 * @returns what renders one document
 * @throws {TemplateError} also for functions and top-level fields that do not exist, when rendering
 */
export function compileTemplate(source: string): (data: unknown) => string {
  const nodes = parseTemplate(source)
  return (data) => evaluateTemplate(nodes, data)
}
