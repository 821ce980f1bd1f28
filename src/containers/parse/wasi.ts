/** How a WebAssembly module is to be run: its engine, and what makes every run the same. */
import { InvalidArgument } from '../../errors.ts'
import { parseMoment } from '../../util/moment.ts'
import type { HostConfig, WasiEngineName, WasiSettings } from '../config.ts'
import type { RunFlags } from '../flags.ts'

/** @throws {InvalidArgument} */
export function parseWasi(flags: RunFlags): Pick<HostConfig, 'Wasi'> {
  const { 'wasi-engine': engine, 'wasi-clock': clock, 'wasi-seed': seed } = flags
  const Wasi: WasiSettings = {
    ...(engine !== undefined && { Engine: parseEngine(engine) }),
    ...(clock !== undefined && { Clock: parseClock(clock) }),
    ...(seed !== undefined && { Seed: seed }),
  }
  return Object.keys(Wasi).length === 0 ? {} : { Wasi }
}

function parseEngine(text: string): WasiEngineName {
  if (text === 'preview1' || text === 'wasmer' || text === 'component') return text
  throw new InvalidArgument(`there is no WebAssembly engine ${JSON.stringify(text.slice(0, 200))}`, {
    hint: 'choose preview1, wasmer or component, or leave --wasi-engine out',
  })
}

const NS_PER_MS = 1_000_000n

/** To the millisecond as a date, to the nanosecond as seconds since 1970. */
function parseClock(text: string): string {
  const [, seconds, fraction = ''] = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (seconds !== undefined) return String(BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')))
  // A duration would be another moment in every run.
  const ms = /^\d{4}-/.test(text) ? parseMoment(text, 'wasi-clock') : undefined
  if (ms !== undefined && ms >= 0) return String(BigInt(Math.trunc(ms)) * NS_PER_MS)
  throw new InvalidArgument(`invalid value for "wasi-clock": ${JSON.stringify(text.slice(0, 200))}`, {
    hint: 'write a time such as 2026-01-31T12:00:00Z, or seconds since 1970',
  })
}

/** As the flag takes it. */
export function clockText(ns: string): string {
  const digits = ns.padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}
