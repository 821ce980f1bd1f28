/** What a component is for, by the names of its imports and exports. */
import { type ComponentFacts, isPreview2 } from '../component-facts.ts'

export interface World {
  readonly isCommand: boolean
  readonly isServer: boolean
  /** It speaks HTTP: while it waits, others go on. */
  readonly suspends: boolean
}

export function worldOf({ imports, exports }: ComponentFacts): World {
  const offers = (name: string) => exports.some((each) => isPreview2(each, name))
  const isCommand = offers('wasi:cli/run')
  const isServer = !isCommand && offers('wasi:http/incoming-handler')
  return { isCommand, isServer, suspends: isServer || imports.some((name) => name.startsWith('wasi:http/')) }
}
