/** What a plugin says about itself comes from strangers: here it becomes data that everybody else can trust. */
import { permissionFault } from './permissions.ts'
import type { ArgumentDeclaration, CommandDeclaration, FlagDeclaration, Permission } from './plugin.ts'
import { type Fields, Reader, visible } from './reader.ts'

/** A declaration that has been checked: all parts are there, and nothing else. */
export type Declaration = Required<Omit<CommandDeclaration, 'name' | 'permissions'>> & {
  readonly name: string
  readonly permissions: readonly Permission[]
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/**
 * @param file - what to call it in errors
 * @param fallbackName - for a declaration without one
 * @throws {PluginInvalid}
 */
export function readDeclaration(value: unknown, file: string, fallbackName: string): Declaration {
  const reader = new Reader(file)
  const source = reader.record(value, 'its default export')
  const permissions = [...new Set(reader.texts(source['permissions'], 'permissions'))]
  const wrong = permissions.find((word) => permissionFault(word) !== undefined)
  if (wrong !== undefined) reader.fail(`it asks for '${visible(wrong)}': ${permissionFault(wrong)}`)
  const name = reader.text(source['name'] ?? fallbackName, 'name', 63)
  if (!NAME.test(name)) reader.fail(`'${name}' cannot be the name of a command: a-z, 0-9 and - can stand in it`)
  return {
    name,
    contract: reader.line(source['contract'], 'contract', 100),
    summary: reader.line(source['summary'], 'summary', 200),
    description: reader.text(source['description'] ?? '', 'description', 10_000),
    version: (source['version'] ?? '') === '' ? '' : reader.line(source['version'], 'version', 64),
    examples: reader.texts(source['examples'], 'examples'),
    args: reader.entries(source['args'], 'args', (each, what) => readArgument(reader, each, what)),
    flags: reader.entries(source['flags'], 'flags', (each, what) => readFlag(reader, each, what)),
    permissions: permissions as Permission[],
  }
}

function readArgument(reader: Reader, source: Fields, what: string): ArgumentDeclaration {
  return {
    description: reader.text(source['description'] ?? '', `${what}.description`, 1000),
    required: source['required'] === true,
    multiple: source['multiple'] === true,
  }
}

function readFlag(reader: Reader, source: Fields, what: string): FlagDeclaration {
  const { type, char, options, default: value } = source
  if (type !== 'boolean' && type !== 'option') return reader.fail(`${what}.type must be 'boolean' or 'option'`)
  if (char !== undefined && !(typeof char === 'string' && /^[a-zA-Z0-9]$/.test(char)))
    return reader.fail(`${what}.char must be one letter`)
  const fallback = typeof value === 'string' ? reader.text(value, `${what}.default`, 1000) : value
  if (fallback !== undefined && typeof fallback !== (type === 'boolean' ? 'boolean' : 'string'))
    return reader.fail(`${what}.default does not fit its type`)
  return {
    type,
    description: reader.text(source['description'] ?? '', `${what}.description`, 1000),
    multiple: source['multiple'] === true,
    ...(char !== undefined && { char }),
    ...(options !== undefined && { options: reader.texts(options, `${what}.options`) }),
    ...(fallback !== undefined && { default: fallback as string | boolean }),
  }
}
