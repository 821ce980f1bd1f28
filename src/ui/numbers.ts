/** Whole numbers on the command line. */
import { UsageError } from './errors.ts'

/** @throws {UsageError} in docker's words */
export function wholeNumber(text: string, flag: string): number
export function wholeNumber(text: string | undefined, flag: string): number | undefined
export function wholeNumber(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text)
  throw new UsageError(
    `invalid argument "${text}" for "${flag}" flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
  )
}
