/** A runtime-spec seccomp document as a classic BPF program (seccomp(2); runtime-spec, config-linux.md#seccomp). */
import type { SeccompRule, SeccompSpec } from '../../oci/runtime-spec.ts'
import { SeccompInvalid } from '../errors.ts'
import { encodeInstruction, type Instruction, JUMP, LOAD, RETURN } from './instructions.ts'
import { type SyscallArchitecture, syscallNumbers } from './syscalls.ts'

export interface CompiledFilter {
  /** `struct sock_filter`s of 8 bytes. */
  readonly program: Uint8Array
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number
}

interface Architecture {
  readonly table: SyscallArchitecture
  /** AUDIT_ARCH_* of <linux/audit.h>, as seccomp_data.arch holds it. */
  readonly audit: number
  /** Set in the numbers of x32, which shares its audit value with x86-64. */
  readonly bit: number
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  SCMP_ARCH_X86_64: { table: 'x86_64', audit: 0xc000_003e, bit: 0 },
  SCMP_ARCH_X86: { table: 'x86', audit: 0x4000_0003, bit: 0 },
  SCMP_ARCH_X32: { table: 'x32', audit: 0xc000_003e, bit: 0x4000_0000 },
  SCMP_ARCH_AARCH64: { table: 'aarch64', audit: 0xc000_00b7, bit: 0 },
  SCMP_ARCH_ARM: { table: 'arm', audit: 0x4000_0028, bit: 0 },
}
const NATIVE: Readonly<Record<string, string>> = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x0000_0000,
  SCMP_ACT_KILL_THREAD: 0x0000_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
}
const KILL_PROCESS = 0x8000_0000
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
}
const EPERM = 1
const ENOSYS = 38
const MAX_INSTRUCTIONS = 4096
const MAX_CONDITIONS = 32
const OFFSET_NUMBER = 0
const OFFSET_ARCHITECTURE = 4
const OFFSET_ARGUMENTS = 16

/** @throws {SeccompInvalid} an action, operator or architecture that seccomp does not have, or a program too long */
export function compileSeccomp(spec: SeccompSpec, arch: string = process.arch): CompiledFilter {
  if (spec.listenerPath !== undefined) throw new SeccompInvalid('a listener (SCMP_ACT_NOTIFY) is not supported')
  const names = new Set([NATIVE[arch] ?? '', ...(spec.architectures ?? [])])
  const known = [...names].flatMap((name) => {
    const found = ARCHITECTURES[name]
    if (found === undefined && !/^SCMP_ARCH_[A-Z0-9_]+$/.test(name))
      throw new SeccompInvalid(`no architecture is called ${name}`)
    return found ?? [] // another machine's: its calls cannot be made here
  })
  const program: Instruction[] = [{ code: LOAD, value: OFFSET_ARCHITECTURE }]
  for (const audit of new Set(known.map((entry) => entry.audit))) {
    const section = auditSection(
      spec,
      known.filter((entry) => entry.audit === audit),
    )
    refuseTooLong(program.length + section.length + 3)
    program.push({ code: JUMP.equal, value: audit, whenTrue: 1, whenFalse: 0 }, jump(section.length), ...section)
  }
  // Calls in the way of an architecture nobody judged.
  program.push({ code: RETURN, value: KILL_PROCESS })
  const flags = (spec.flags ?? []).reduce((bits, name) => bits | flagBit(name), 0)
  return { program: Buffer.concat(program.map(encodeInstruction)), flags }
}

function refuseTooLong(instructions: number): void {
  if (instructions > MAX_INSTRUCTIONS)
    throw new SeccompInvalid(`the profile is too long (${instructions} instructions, ${MAX_INSTRUCTIONS} at most)`)
}

function flagBit(name: string): number {
  const bit = FLAGS[name]
  if (bit === undefined) throw new SeccompInvalid(`no flag is called ${name}`)
  return bit
}

/** x86-64 and x32 differ by a bit of the number; the one that is not asked for must not slip through as the other. */
function auditSection(spec: SeccompSpec, architectures: readonly Architecture[]): Instruction[] {
  const plain = architectures.find(({ bit }) => bit === 0)
  const x32 = architectures.find(({ bit }) => bit !== 0)
  const load: Instruction = { code: LOAD, value: OFFSET_NUMBER }
  const section = plain === undefined ? [killProcess] : numberTree(spec, plain)
  if (plain?.table !== 'x86_64' && x32 === undefined) return [load, ...section]
  const other = x32 === undefined ? [killProcess] : numberTree(spec, x32)
  const bit = ARCHITECTURES['SCMP_ARCH_X32']?.bit ?? 0
  return [
    load,
    { code: JUMP.atLeast, value: bit, whenTrue: 0, whenFalse: 1 },
    jump(section.length),
    ...section,
    ...other,
  ]
}

const killProcess: Instruction = { code: RETURN, value: KILL_PROCESS }

function jump(distance: number): Instruction {
  return { code: JUMP.always, value: distance }
}

/** What happens to the call numbers from `from` on, up to the next span's. */
interface Span {
  readonly from: number
  readonly verdict: readonly Instruction[]
}

function numberTree(spec: SeccompSpec, { table, bit }: Architecture): Instruction[] {
  return searchTree(spans(spec, syscallNumbers(table)).map(({ from, verdict }) => ({ from: from + bit, verdict })))
}

function spans(spec: SeccompSpec, numbers: ReadonlyMap<string, number>): Span[] {
  const fallback = action(spec.defaultAction, spec.defaultErrnoRet)
  const verdicts = new Map<number, Instruction[]>()
  for (const [number, rules] of rulesByNumber(spec, numbers)) verdicts.set(number, callVerdict(rules, fallback))
  const highest = Math.max(-1, ...verdicts.keys())
  const list: Span[] = []
  const add = (from: number, verdict: readonly Instruction[]) => {
    const last = list.at(-1)
    const same =
      last !== undefined &&
      last.verdict.length === 1 &&
      verdict.length === 1 &&
      last.verdict[0]?.value === verdict[0]?.value
    if (!same) list.push({ from, verdict })
  }
  const isDefault = [{ code: RETURN, value: fallback }]
  add(0, isDefault)
  for (const number of [...verdicts.keys()].toSorted((left, right) => left - right)) {
    add(number, verdicts.get(number) ?? isDefault)
    if (!verdicts.has(number + 1)) add(number + 1, number === highest ? unknownVerdict(spec, fallback) : isDefault)
  }
  return list
}

/**
 * Programs probe for calls newer than the profile and expect to be told that there are none: refused with EPERM, they would
 * give up.
 */
function unknownVerdict(spec: SeccompSpec, fallback: number): Instruction[] {
  const refusing = spec.defaultAction === 'SCMP_ACT_ERRNO'
  return [{ code: RETURN, value: refusing ? action('SCMP_ACT_ERRNO', ENOSYS) : fallback }]
}

function rulesByNumber(spec: SeccompSpec, numbers: ReadonlyMap<string, number>): Map<number, SeccompRule[]> {
  const found = new Map<number, SeccompRule[]>()
  for (const rule of spec.syscalls ?? []) {
    for (const name of rule.names) {
      const number = numbers.get(name)
      if (number === undefined) continue // of another architecture, or newer than our tables
      const rules = found.get(number)
      if (rules === undefined) found.set(number, [rule])
      else rules.push(rule)
    }
  }
  return found
}

/** Rules with conditions are asked first, in their order; one without decides the rest. */
function callVerdict(rules: readonly SeccompRule[], fallback: number): Instruction[] {
  const plain = rules.find(({ args = [] }) => args.length === 0)
  const conditional = rules.filter(({ args = [] }) => args.length > 0)
  const rest = plain === undefined ? fallback : action(plain.action, plain.errnoRet)
  // The last ones that say what is said without them; earlier ones may keep a call from a later rule.
  const needed = conditional.findLastIndex((rule) => action(rule.action, rule.errnoRet) !== rest) + 1
  return [...conditional.slice(0, needed).flatMap(ruleInstructions), { code: RETURN, value: rest }]
}

function action(name: string, errnoRet: number = EPERM): number {
  const base = ACTIONS[name]
  if (base === undefined) throw new SeccompInvalid(`the action ${name} is not supported`)
  if (!(Number.isInteger(errnoRet) && errnoRet >= 0 && errnoRet <= 0xffff))
    throw new SeccompInvalid(`${errnoRet} is no error number`)
  const carriesData = name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE'
  return carriesData ? (base | errnoRet) >>> 0 : base
}

function ruleInstructions(rule: SeccompRule): Instruction[] {
  let body: Instruction[] = [{ code: RETURN, value: action(rule.action, rule.errnoRet) }]
  const { args = [] } = rule
  // A conditional jump reaches 255 instructions: enough for two conditions on each of the six arguments, and more.
  if (args.length > MAX_CONDITIONS) throw new SeccompInvalid(`a rule has more than ${MAX_CONDITIONS} conditions`)
  for (const argument of args.toReversed()) body = [...condition(argument, body.length), ...body]
  return body
}

/**
 * Goes on behind itself when the argument fits, else past `rest` more instructions. Arguments are 64 bits, the machine
 * compares 32: high halves first.
 */
function condition(
  { index, value, valueTwo = 0, op }: NonNullable<SeccompRule['args']>[number],
  rest: number,
): Instruction[] {
  if (!(Number.isInteger(index) && index >= 0 && index < 6)) throw new SeccompInvalid(`there is no argument ${index}`)
  const low = OFFSET_ARGUMENTS + index * 8
  const loadLow: Instruction = { code: LOAD, value: low }
  const loadHigh: Instruction = { code: LOAD, value: low + 4 }
  if (op === 'SCMP_CMP_MASKED_EQ') {
    const [mask, wanted] = [halves(value), halves(valueTwo)]
    return [
      loadHigh,
      { code: JUMP.and, value: mask.high },
      { code: JUMP.equal, value: wanted.high, whenTrue: 0, whenFalse: rest + 3 },
      loadLow,
      { code: JUMP.and, value: mask.low },
      { code: JUMP.equal, value: wanted.low, whenTrue: 0, whenFalse: rest },
    ]
  }
  const { high, low: lowValue } = halves(value)
  const pair = (highTest: Instruction[], lowTest: Instruction): Instruction[] => [
    loadHigh,
    ...highTest,
    loadLow,
    lowTest,
  ]
  const sameHigh = (otherwise: number): Instruction => ({
    code: JUMP.equal,
    value: high,
    whenTrue: 0,
    whenFalse: otherwise,
  })
  const lowTest = (code: number, negated: boolean): Instruction =>
    negated
      ? { code, value: lowValue, whenTrue: rest, whenFalse: 0 }
      : { code, value: lowValue, whenTrue: 0, whenFalse: rest }
  // Greater high half: decided (skip two to fit, or to the end); equal: the low half decides; less: the opposite.
  const ordered = (fitsWhenGreater: boolean, test: Instruction): Instruction[] => {
    const greater: Instruction = fitsWhenGreater
      ? { code: JUMP.greater, value: high, whenTrue: 3, whenFalse: 0 }
      : { code: JUMP.greater, value: high, whenTrue: rest + 3, whenFalse: 0 }
    return pair([greater, sameHigh(fitsWhenGreater ? rest + 2 : 2)], test)
  }
  switch (op) {
    case 'SCMP_CMP_EQ':
      return pair([sameHigh(rest + 2)], lowTest(JUMP.equal, false))
    case 'SCMP_CMP_NE':
      return pair([sameHigh(2)], lowTest(JUMP.equal, true))
    case 'SCMP_CMP_GT':
      return ordered(true, lowTest(JUMP.greater, false))
    case 'SCMP_CMP_GE':
      return ordered(true, lowTest(JUMP.atLeast, false))
    case 'SCMP_CMP_LT':
      return ordered(false, lowTest(JUMP.atLeast, true))
    case 'SCMP_CMP_LE':
      return ordered(false, lowTest(JUMP.greater, true))
    default:
      throw new SeccompInvalid(`the operator ${op} is not supported`)
  }
}

function halves(value: number | bigint): { readonly high: number; readonly low: number } {
  const bits = BigInt.asUintN(64, BigInt(value))
  return { high: Number(bits >> 32n), low: Number(bits & 0xffff_ffffn) }
}

/** A balanced search for the last span that begins at or below the number: some nine comparisons for any call. */
function searchTree(list: readonly Span[]): Instruction[] {
  const [only] = list
  if (only === undefined) return []
  if (list.length === 1) return [...only.verdict]
  const middle = list.length >> 1
  const left = searchTree(list.slice(0, middle))
  const right = searchTree(list.slice(middle))
  const from = list[middle]?.from ?? 0
  if (left.length <= 255)
    return [{ code: JUMP.atLeast, value: from, whenTrue: left.length, whenFalse: 0 }, ...left, ...right]
  return [{ code: JUMP.atLeast, value: from, whenTrue: 0, whenFalse: 1 }, jump(left.length), ...left, ...right]
}
