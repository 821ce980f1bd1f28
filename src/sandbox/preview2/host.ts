/** What a component may import: our own WASI 0.2, over the same files, streams, clocks and randomness as preview 1. */
import { CLOCK } from '../preview1/abi.ts'
import type { Clocks } from '../preview1/clocks.ts'
import { ModuleExit } from '../preview1/context.ts'
import type { Preopen } from '../preview1/given.ts'
import type { Random } from '../preview1/random.ts'
import { openStream } from '../preview1/streams.ts'
import { isTerminal } from '../preview1/terminal.ts'
import { inputOf, outputOf } from './file-streams.ts'
import { filesystem } from './filesystem.ts'
import { Pollable, poll } from './poll.ts'
import { socketInterfaces } from './sockets/interfaces.ts'
import type { Switch } from './sockets/switch.ts'
import { InputStream, IoError, OutputStream } from './streams.ts'

/** By name of interface without its version, what is in it by its name in JavaScript. */
export type Interfaces = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface HostOptions {
  readonly args: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  readonly cwd: string
  readonly preopens: readonly Preopen[]
  readonly clocks: Clocks
  readonly random: Random
  /** Of sockets; nothing where there is no network. */
  readonly board?: Switch | undefined
}

export function hostInterfaces(options: HostOptions): Interfaces {
  const { clocks, random, board } = options
  return {
    'wasi:io/error': { Error: IoError },
    'wasi:io/poll': { Pollable, poll: (pollables: readonly Pollable[]) => poll(clocks, pollables) },
    'wasi:io/streams': { InputStream, OutputStream },
    ...cliInterfaces(options),
    ...clockInterfaces(clocks),
    ...randomInterfaces(random),
    ...filesystem(options),
    ...socketInterfaces(board === undefined ? undefined : { clocks, board }),
  }
}

class TerminalInput {}
class TerminalOutput {}

function cliInterfaces({ args, env, cwd, clocks }: HostOptions): Interfaces {
  const [input, output, errors] = [openStream(0), openStream(1), openStream(2)]
  const terminal = <Terminal>(fd: number, make: () => Terminal) => (isTerminal(fd) ? make() : undefined)
  return {
    'wasi:cli/environment': {
      getEnvironment: () => env.map((entry) => [nameOf(entry), entry.slice(nameOf(entry).length + 1)]),
      getArguments: () => [...args],
      initialCwd: () => cwd,
    },
    'wasi:cli/exit': {
      exit: ({ tag }: { readonly tag: 'ok' | 'err' }) => {
        throw new ModuleExit(tag === 'ok' ? 0 : 1)
      },
      exitWithCode: (status: number) => {
        throw new ModuleExit(status)
      },
    },
    'wasi:cli/stdin': { getStdin: () => new InputStream(clocks, inputOf(input)) },
    'wasi:cli/stdout': { getStdout: () => new OutputStream(clocks, outputOf(output)) },
    'wasi:cli/stderr': { getStderr: () => new OutputStream(clocks, outputOf(errors)) },
    'wasi:cli/terminal-input': { TerminalInput },
    'wasi:cli/terminal-output': { TerminalOutput },
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => terminal(0, () => new TerminalInput()) },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => terminal(1, () => new TerminalOutput()) },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => terminal(2, () => new TerminalOutput()) },
  }
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=')
  return equals === -1 ? entry : entry.slice(0, equals)
}

const SECOND_NS = 1_000_000_000n
const MAX_U64 = (1n << 64n) - 1n

function clockInterfaces(clocks: Clocks): Interfaces {
  const now = () => clocks.now(CLOCK.monotonic)
  const at = (dueNs: bigint) => new Pollable(clocks, { dueNs, ready: () => now() >= dueNs })
  const datetime = (ns: bigint) => ({ seconds: ns / SECOND_NS, nanoseconds: Number(ns % SECOND_NS) })
  return {
    'wasi:clocks/monotonic-clock': {
      now,
      resolution: () => clocks.resolution(CLOCK.monotonic),
      subscribeInstant: at,
      subscribeDuration: (ns: bigint) => at(now() + ns > MAX_U64 ? MAX_U64 : now() + ns),
    },
    'wasi:clocks/wall-clock': {
      now: () => datetime(clocks.now(CLOCK.realtime)),
      resolution: () => datetime(clocks.resolution(CLOCK.realtime)),
    },
    'wasi:clocks/timezone': {
      display: () => ({ utcOffset: 0, name: 'UTC', inDaylightSavingTime: false }),
      utcOffset: () => 0,
    },
  }
}

/** More at once would be only a way to use up memory. */
const MAX_RANDOM_BYTES = 64 << 20

function randomInterfaces(random: Random): Interfaces {
  const bytes = (length: bigint) => {
    if (length > MAX_RANDOM_BYTES) throw new WebAssembly.RuntimeError('too many random bytes')
    const made = new Uint8Array(Number(length))
    random(made)
    return made
  }
  const number = () => Buffer.from(bytes(8n)).readBigUInt64LE()
  return {
    'wasi:random/random': { getRandomBytes: bytes, getRandomU64: number },
    'wasi:random/insecure': { getInsecureRandomBytes: bytes, getInsecureRandomU64: number },
    'wasi:random/insecure-seed': { insecureSeed: () => [number(), number()] },
  }
}
