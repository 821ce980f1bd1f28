/** A transpiled component, ready to be instantiated as often as wanted. */
import { compileFunction } from 'node:vm'
import { ModuleUnsupported } from '../errors.ts'
import type { Interfaces } from './host.ts'
import type { Transpiled } from './transpile.ts'

export interface Component {
  /** @throws {ModuleUnsupported} it imports what the interfaces do not have */
  instantiate(interfaces: Interfaces): Promise<Exports>
}

/** Interfaces by name, without and with version. */
export type Exports = Readonly<Record<string, Readonly<Record<string, (...args: unknown[]) => unknown>>>>

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Interfaces,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => Promise<WebAssembly.Instance>,
) => Promise<Exports>

export async function compileComponent({ code, modules, imports }: Transpiled): Promise<Component> {
  const compiled = new Map<string, WebAssembly.Module>()
  for (const [name, bytes] of modules) compiled.set(name, await WebAssembly.compile(bytes))
  const instantiate = evaluate(code)
  const moduleNamed = (name: string) => {
    const module = compiled.get(name)
    if (module === undefined) throw new Error(`the component has no core module ${name}`)
    return module
  }
  return {
    instantiate: async (interfaces) => {
      const missing = imports.find((name) => !(name in interfaces))
      if (missing !== undefined) throw new ModuleUnsupported(`the component imports ${missing}, which is not here`)
      return instantiate(moduleNamed, interfaces, instantiateCore)
    },
  }
}

async function instantiateCore(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): Promise<WebAssembly.Instance> {
  try {
    return await WebAssembly.instantiate(module, imports)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ModuleUnsupported('the component asks for more memory than --memory allows', 'allow more')
  }
}

/** Made a function of, and not a module, the code can import nothing; what it joins is all that it needs. */
function evaluate(code: string): Instantiate {
  const body = code.replaceAll('import.meta.url', '""').replaceAll(/^export (?=function |const )/gm, '')
  const made = compileFunction(`${body}\nreturn instantiate`, [], { filename: 'component.js' }) as () => Instantiate
  return made()
}
