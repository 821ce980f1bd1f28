/** docker's credential helpers: programs named docker-credential-NAME (github.com/docker/docker-credential-helpers). */
import { spawn } from 'node:child_process'
import { CredentialHelperFailed } from './errors.ts'

const TIMEOUT_MS = 30_000
const MAX_OUTPUT_BYTES = 1 << 20
/** Errors come on stdout; these mean that there is nothing, not that something failed. */
const NOTHING = /credentials not found in native keychain|no credentials server URL|no credentials username/

/** The words that start the helper of a name, where it is no program on PATH: a plugin's. */
export type FindHelper = (name: string) => Promise<readonly string[] | undefined>

let programOf: FindHelper = async () => undefined

/** Set once, by whoever knows of plugins. */
export function findHelpersBy(find: FindHelper): void {
  programOf = find
}

/** @returns what it printed; undefined when it has no credentials */
export async function callHelper(
  name: string,
  verb: 'get' | 'store' | 'erase',
  input: string,
): Promise<string | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new CredentialHelperFailed(name.slice(0, 40), 'that is no name of a program')
  const [program = '', ...words] = (await programOf(name)) ?? [`docker-credential-${name}`]
  const child = spawn(program, [...words, verb], { stdio: ['pipe', 'pipe', 'ignore'], timeout: TIMEOUT_MS })
  const finished = new Promise<number>((resolve, reject) =>
    child.once('error', reject).once('close', (code) => resolve(code ?? -1)),
  )
  child.stdin.on('error', () => {}) // one that does not read its input may still answer
  child.stdin.end(input)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (output.length > MAX_OUTPUT_BYTES) child.kill('SIGKILL')
  })
  let status: number
  try {
    status = await finished
  } catch (cause) {
    throw new CredentialHelperFailed(name, 'it is not installed', { cause })
  }
  if (status === 0) return output
  if (NOTHING.test(output)) return undefined
  throw new CredentialHelperFailed(name, verb === 'get' ? `exit status ${status}` : output.trim().slice(0, 200))
}
