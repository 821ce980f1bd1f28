/**
 * The user's `git`, given addresses and repositories of strangers: it reads no configuration but what stands here, runs no
 * hook, filter or helper of anybody, speaks only the protocols of the list, asks nobody anything, and is ended when the other
 * side says nothing any more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import { SourceFailed } from '../errors.ts'
import type { Login } from './git-url.ts'
import { shownAddress } from './shown.ts'

export interface GitOptions {
  /** A directory that takes the place of the user's home: nothing is in it but `known_hosts`, which may be missing. */
  readonly home: string
  /** The `.git` directory; undefined: none is needed. */
  readonly gitDirectory?: string | undefined
  readonly workTree?: string | undefined
  /** Of the requests to the addresses that begin with `scope`. */
  readonly authorization?: { readonly scope: string; readonly value: string } | undefined
  /** For the host of `scope`, and no other that it sends git to. */
  readonly login?: (Login & { readonly scope: string }) | undefined
  /** The socket of an ssh agent. */
  readonly agent?: string | undefined
  /** How long nothing may be said. */
  readonly stallMs?: number | undefined
  /** Takes the latest line about the progress. */
  readonly onProgress?: ((line: string) => void) | undefined
  readonly signal: AbortSignal
}

const STALL_MS = 60_000
const MAX_OUTPUT_BYTES = 4 << 20
const MAX_SAID_BYTES = 16 << 10
const SHOWN_LINES = 4

/** Nothing a repository or a machine has configured holds against these; submodules are given them too. */
const SETTINGS: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.autocrlf=false',
  'core.bigFileThreshold=64m',
  'credential.helper=',
  'protocol.allow=never',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  'protocol.git.allow=always',
  'protocol.ssh.allow=always',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'fetch.recurseSubmodules=false',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'init.defaultBranch=master',
  'advice.detachedHead=false',
]
const PROTOCOLS = 'http:https:git:ssh'
/** How the user reaches the world, and whom they trust there. */
const PASSED = /^(?:PATH|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|GIT_SSL_CAINFO|GIT_SSL_CAPATH|CURL_CA_BUNDLE)$/i

/**
 * Runs git to its end.
 *
 * @returns what it prints
 * @throws {SourceFailed} it is not installed, fails, says nothing for too long, or says too much
 */
export async function runGit(words: readonly string[], options: GitOptions): Promise<string> {
  const { signal, workTree, gitDirectory, login, stallMs = STALL_MS } = options
  signal.throwIfAborted()
  const helper = login === undefined ? [] : [`credential.${login.scope}.helper=${LOGIN_HELPER}`]
  const settings = [...SETTINGS, ...helper].flatMap((setting) => ['-c', setting])
  const places = [
    ...(gitDirectory === undefined ? [] : [`--git-dir=${gitDirectory}`]),
    ...(workTree === undefined ? [] : [`--work-tree=${workTree}`]),
  ]
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', 'git', ...settings, ...places, ...words], {
    cwd: workTree ?? options.home,
    env: environment(options),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true, // its helpers are ended with it
  })
  child.once('exit', () => child.stdio[3]?.destroy())
  const watch = watching(child, { ...options, stallMs })
  try {
    const { status, output, said } = await watch.ended
    signal.throwIfAborted()
    if (watch.reason() !== undefined) throw new SourceFailed(`git ${words[0]}: ${watch.reason()}`)
    if (status === 0) return output
    throw failure(words, status, said)
  } finally {
    watch.close()
  }
}

/**
 * What is checked out has the modes that git knows, whatever the user's own files are given. When this process is gone,
 * descriptor 3 ends, and with it the whole group.
 */
const SCRIPT = 'umask 022; { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & exec 3<&-; exec "$@"'

/** git asks it who it is there; what it answers is not among the words, which everybody on the machine can read. */
const LOGIN_HELPER =
  '!f() { test "$1" != get || printf "username=%s\\npassword=%s\\n" "$GIT_LOGIN_USER" "$GIT_LOGIN_PASSWORD"; }; f'

function environment({ home, authorization, login, agent }: GitOptions): NodeJS.ProcessEnv {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name))
  return {
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TEMPLATE_DIR: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: SSH,
    ...(agent !== undefined && { SSH_AUTH_SOCK: agent }),
    ...(login !== undefined && { GIT_LOGIN_USER: login.username, GIT_LOGIN_PASSWORD: login.password }),
    // Not among the words either.
    ...(authorization !== undefined && {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `http.${authorization.scope}.extraHeader`,
      GIT_CONFIG_VALUE_0: `Authorization: ${authorization.value}`,
    }),
  }
}

/** Keys of the agent alone. A host that is known has to have its key; that of another one is believed, and not kept. */
const SSH = [
  'ssh -F /dev/null',
  ...[
    'BatchMode=yes',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'IdentityFile=/dev/null',
    'ForwardAgent=no',
    'ControlMaster=no',
    'ControlPath=none',
    'PermitLocalCommand=no',
    'StrictHostKeyChecking=accept-new',
  ].map((option) => `-o ${option}`),
  '-o UserKnownHostsFile="\\"$HOME/known_hosts\\""',
].join(' ')

interface Ended {
  readonly status: number
  readonly output: string
  /** The end of what it complains about. */
  readonly said: string
}

function watching(
  child: ChildProcess,
  { signal, stallMs, onProgress }: GitOptions & { readonly stallMs: number },
): { readonly ended: Promise<Ended>; readonly reason: () => string | undefined; close(): void } {
  let reason: string | undefined
  const end = (why: string | undefined) => {
    reason ??= why
    killAll(child)
  }
  const abort = () => end(undefined)
  signal.addEventListener('abort', abort, { once: true })
  const stalled = () => end(`nothing has come for ${Math.round(stallMs / 1000)} s`)
  let timer = setTimeout(stalled, stallMs)
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(stalled, stallMs)
  }
  const output: Buffer[] = []
  let outputBytes = 0
  let said = ''
  const decoder = new StringDecoder()
  child.stdout?.on('data', (chunk: Buffer) => {
    alive()
    outputBytes += chunk.length
    if (outputBytes > MAX_OUTPUT_BYTES) end('it says more than makes sense')
    else output.push(chunk)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    alive()
    said = (said + decoder.write(chunk)).slice(-MAX_SAID_BYTES)
    const line = linesOf(said).at(-1)
    if (line !== undefined) onProgress?.(shownAddress(line))
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, name) => {
      const status = code ?? 128 + (name === null ? 0 : (constants.signals[name] ?? 0))
      resolve({ status, output: Buffer.concat(output).toString(), said })
    })
  })
  const close = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
  return { ended, reason: () => reason, close }
}

/** git, and the helpers that it has started: they are one group. */
function killAll({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Without what could do something to a terminal; progress writes over its own lines. */
function linesOf(text: string): readonly string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\x20-\x7e\u00a0-\uffff]/g, ' ').trim())
    .filter((line) => line !== '')
}

const NOT_FOUND = 127

function failure(words: readonly string[], status: number, said: string): SourceFailed {
  if (status === NOT_FOUND)
    return new SourceFailed('git is not installed', { hint: 'repositories are fetched by it: apt-get install git' })
  const complaints = linesOf(said).filter((line) => /^(?:fatal|error|remote|ssh|warning|Host key|.*denied)/i.test(line))
  const last = (complaints.length > 0 ? complaints : linesOf(said)).slice(-SHOWN_LINES)
  const shown = last.map(shownAddress).join('; ').slice(0, 600)
  return new SourceFailed(`git ${words[0]} ended with ${status}${shown === '' ? '' : `: ${shown}`}`)
}
