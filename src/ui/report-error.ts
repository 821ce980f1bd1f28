/** How a failure reaches the user: one line and a way out; a stack trace only with `CORACLE_DEBUG=1`. */
import { CoracleError } from '../errors.ts'
import { SomeTargetsFailed, UsageError } from './errors.ts'
import { neutralise, type OutputStream } from './text.ts'

/** @returns the exit status, `failureStatus` for errors that have none of their own */
export function reportError(error: unknown, stream: OutputStream, failureStatus = 1): number {
  if (error instanceof SomeTargetsFailed) {
    const statuses = error.errors.map((each) => reportError(each, stream, failureStatus))
    return Math.max(...statuses)
  }
  const text = describeError(error)
  stream.write(`${stream.isTTY === true ? neutralise(text) : text}\n`)
  if (!(error instanceof CoracleError)) return isCancellation(error) ? 130 : failureStatus
  return error.exitCode === 1 && !(error instanceof UsageError) ? failureStatus : error.exitCode
}

function describeError(error: unknown): string {
  const trace = process.env['CORACLE_DEBUG'] === '1' ? `\n${stackOf(error)}` : ''
  if (error instanceof UsageError) return error.message + trace
  if (error instanceof CoracleError) {
    return `coracle: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}${trace}`
  }
  if (isCancellation(error)) return `coracle: cancelled${trace}`
  const message = error instanceof Error ? error.message : String(error)
  const hint = 'This is a bug in Coracle. Run again with CORACLE_DEBUG=1 and report what you see.'
  return `coracle: internal error: ${message}\n${trace === '' ? hint : trace.trimStart()}`
}

function isCancellation(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const own = error.stack ?? error.message
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause) || String(error.cause)}`
}
