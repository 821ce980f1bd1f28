/** Numbers and sizes as docker's flags take them. Every failure is worded like the flag parser of docker. */
import { InvalidArgument } from '../../errors.ts'

const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i
const UNITS = ' kmgtp'

/** `512m`, `1.5g`, `100`, `64 KiB`: bytes, units of 1024. @throws {InvalidArgument} */
export function parseSize(text: string, flag: string): number {
  const match = SIZE.exec(text)
  if (match === null) throw invalid(text, flag, `invalid size: '${text}'`)
  const bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? ' ').toLowerCase()))
  if (!Number.isSafeInteger(bytes)) throw invalid(text, flag, 'value out of range')
  return bytes
}

/** A size, or -1 for no limit. */
export function parseSizeOrUnlimited(text: string, flag: string): number {
  return text === '-1' ? -1 : parseSize(text, flag)
}

export function parseInteger(text: string, flag: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(text, flag, 'invalid syntax')
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw invalid(text, flag, 'value out of range')
  return value
}

/** Decimal CPUs (`0.5`) as billionths. */
export function parseNanoCpus(text: string, flag: string): number {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text)
  if (match === null || text === '' || text === '.')
    throw invalid(text, flag, `failed to parse ${text} as a rational number`)
  const fraction = match[2] ?? ''
  if (fraction.length > 9) throw invalid(text, flag, 'value is too precise')
  return Number(match[1] || '0') * 1e9 + Number(fraction.padEnd(9, '0') || '0')
}

/** `0-3,7`: the numbers. @throws {InvalidArgument} */
export function parseCpuSet(text: string, name: 'cpus' | 'mems'): readonly number[] {
  const numbers = new Set<number>()
  for (const part of text === '' ? [] : text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part)
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || last < first) throw new InvalidArgument(`Invalid value ${text} for cpuset ${name}`)
    for (let number = first; number <= last; number += 1) numbers.add(number)
  }
  return [...numbers].sort((a, b) => a - b)
}

export function invalid(text: string, flag: string, reason: string): InvalidArgument {
  return new InvalidArgument(`invalid argument ${JSON.stringify(text.slice(0, 200))} for "--${flag}" flag: ${reason}`)
}
