/** How a host function tells a component that it failed: the binding takes the payload for the `err` of its result. */
import { codeOf } from '../preview1/errno.ts'

export class Failure extends Error {
  readonly payload: unknown
  /** @param payload - nothing where the result has no error of its own */
  constructor(payload?: unknown) {
    super('the call failed')
    this.name = 'Failure'
    this.payload = payload
  }
}

/** `wasi:filesystem/types.error-code` by the host's names. */
const CODES: Readonly<Record<string, string>> = {
  EACCES: 'access',
  EAGAIN: 'would-block',
  EALREADY: 'already',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDEADLK: 'deadlock',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINPROGRESS: 'in-progress',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMLINK: 'too-many-links',
  EMSGSIZE: 'message-size',
  ENAMETOOLONG: 'name-too-long',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENOLCK: 'no-lock',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTCAPABLE: 'not-permitted',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTRECOVERABLE: 'not-recoverable',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOTTY: 'no-tty',
  ENXIO: 'no-such-device',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EPIPE: 'pipe',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
}

/** @throws what is neither a refusal nor a failed system call: a fault of ours, not the component's */
export function fileErrorCode(error: unknown): string {
  const code = codeOf(error)
  if (code === undefined) throw error
  return CODES[code] ?? 'io'
}

/** Runs it; what fails on a file is told by its code. */
export function answering<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(fileErrorCode(error))
  }
}
