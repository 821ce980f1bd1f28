/**
 * All that the transpiler gets to see of the world: nothing. The build puts this in place of the interfaces that its bindings
 * import (scripts/bundle.ts).
 */
class Nothing {}
class Stream {
  /** What it would say before it gives up is of no use to anybody. */
  write(): void {}
  blockingWriteAndFlush(): void {}
  blockingFlush(): void {}
  checkWrite(): bigint {
    return 4096n
  }
}

export const environment = { getEnvironment: () => [], getArguments: () => [], initialCwd: () => undefined }
export const exit = {
  exit(): never {
    throw new Error('the transpiler gave up')
  },
}
export const stdin = { getStdin: () => new Stream() }
export const stdout = { getStdout: () => new Stream() }
export const stderr = { getStderr: () => new Stream() }
export const terminalInput = { TerminalInput: Nothing }
export const terminalOutput = { TerminalOutput: Nothing }
export const terminalStdin = { getTerminalStdin: () => undefined }
export const terminalStdout = { getTerminalStdout: () => undefined }
export const terminalStderr = { getTerminalStderr: () => undefined }
export const preopens = { getDirectories: () => [] }
export const types = {
  Descriptor: Nothing,
  DirectoryEntryStream: Nothing,
  filesystemErrorCode: () => undefined,
}
export const error = { Error: Nothing }
export const streams = { InputStream: Stream, OutputStream: Stream }
/** For hash tables: the same every time, so that the same component gives the same code. */
export const random = { getRandomBytes: (length: bigint) => new Uint8Array(Number(length)), getRandomU64: () => 0n }
