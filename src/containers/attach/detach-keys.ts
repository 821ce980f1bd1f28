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
  let detached = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const output: number[] = []
      for (const byte of chunk) {
        if (detached) break
        if (byte === keys[matched]) {
          matched += 1
          detached = matched === keys.length
          continue
        }
        output.push(...keys.subarray(0, matched))
        matched = byte === keys[0] ? 1 : 0
        if (matched === 0) output.push(byte)
      }
      if (output.length > 0) this.push(Buffer.from(output))
      if (detached) onDetach()
      done()
    },
    flush(done) {
      if (matched > 0 && !detached) this.push(keys.subarray(0, matched))
      done()
    },
  })
}
