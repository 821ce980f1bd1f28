/** Gets user name and password for `login`: from flags, standard input, or the person at the terminal. */
import { InvalidArgument } from '../errors.ts'
import { askLine, readStdin } from './prompt.ts'

export interface CredentialFlags {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly fromStdin: boolean
}

/** @throws {InvalidArgument} flags that exclude each other, nobody to ask, or an empty answer */
export async function askCredentials(
  { username, password, fromStdin }: CredentialFlags,
  warn: (line: string) => void,
): Promise<{ readonly username: string; readonly password: string }> {
  if (fromStdin) {
    if (password !== undefined) throw new InvalidArgument('--password and --password-stdin are mutually exclusive')
    if (username === undefined) throw new InvalidArgument('the --password-stdin option requires --username to be set')
    return checked(username, await readStdin())
  }
  if (password !== undefined) warn('WARNING! Using --password via the CLI is insecure. Use --password-stdin.')
  if ((username === undefined || password === undefined) && !process.stdin.isTTY)
    throw new InvalidArgument('Cannot perform an interactive login from a non TTY device', {
      hint: 'give --username and --password-stdin',
    })
  const name = username ?? (await askLine('Username: '))
  return checked(name.trim(), password ?? (await askLine('Password: ', { hidden: true })))
}

function checked(username: string, password: string): { readonly username: string; readonly password: string } {
  if (username === '') throw new InvalidArgument('username is required')
  if (password === '') throw new InvalidArgument('password is required')
  return { username, password }
}
