/** The key sequence that lets a user leave a container without ending it. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { InvalidArgument } from '../../errors.ts'

const DEFAULT_KEYS = 'ctrl-p,ctrl-q'
const CONTROL = /^ctrl-([a-z@[\\\]^_])$/i

/** `ctrl-p,ctrl-q`, `a`, `ctrl-\`: the bytes. @throws {InvalidArgument} */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(
    text.split(',').map((key) => {
      const control = CONTROL.exec(key)?.[1]
      if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0)
      throw new InvalidArgument(`invalid detach keys (${text}): Unknown character: '${key}'`)
    }),
  )
}

/** The keys of the flag, else of docker's config.json, else docker's default. */
export function detachKeys(flag: string | undefined, env: NodeJS.ProcessEnv = process.env): Buffer {
  return parseDetachKeys(flag ?? configuredKeys(env) ?? DEFAULT_KEYS)
}

function configuredKeys(env: NodeJS.ProcessEnv): string | undefined {
  const path = join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json')
  try {
    const config: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const keys = (config as { detachKeys?: unknown } | null)?.detachKeys
    return typeof keys === 'string' && keys !== '' ? keys : undefined
  } catch {
    // No file, or one that whoever needs credentials will complain about: the default keys work all the same.
    return undefined
  }
}

/** Passes input on until the keys appear in a row; then calls `onDetach` once and swallows the rest. */
export function detachFilter(keys: Buffer, onDetach: () => void): Transform {
  let matched = 0
  /** The bytes to pass on now that `byte` has come; keys typed so far are held back. */
  const take = (byte: number): number[] => {
    if (matched === keys.length) return []
    if (byte === keys[matched]) {
      matched += 1
      return []
    }
    const held = [...keys.subarray(0, matched)]
    matched = byte === keys[0] ? 1 : 0
    return matched === 1 ? held : [...held, byte]
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const wasDetached = matched === keys.length
      const output = [...chunk].flatMap(take)
      if (output.length > 0) this.push(Buffer.from(output))
      if (!wasDetached && matched === keys.length) onDetach()
      done()
    },
    flush(done) {
      if (matched > 0 && matched < keys.length) this.push(keys.subarray(0, matched))
      done()
    },
  })
}
