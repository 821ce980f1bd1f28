/** Signal names and numbers. */
import { constants } from 'node:os'
import { InvalidArgument } from '../../errors.ts'

const SIGRTMIN = 34
const SIGRTMAX = 64

/** `TERM`, `SIGTERM`, `15`, `RTMIN+3`: the number. @throws {InvalidArgument} */
export function parseSignal(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const number = /^\d{1,3}$/.test(name) ? Number(name) : (named(name) ?? realTime(name) ?? 0)
  if (number < 1 || number > SIGRTMAX) throw new InvalidArgument(`Invalid signal: ${text.slice(0, 40)}`)
  return number
}

function named(name: string): number | undefined {
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`]
}

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (match === null) return undefined
  const base = match[1] === 'MIN' ? SIGRTMIN : SIGRTMAX
  const number = base + Number(`${match[2] ?? '+'}${match[3] ?? '0'}`)
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined
}
