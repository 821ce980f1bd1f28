/** What the kernel does with a seccomp filter: a machine for the few classic BPF instructions that filters are made of. */

export interface SeccompData {
  readonly number: number
  /** AUDIT_ARCH_* */
  readonly audit: number
  readonly args?: readonly bigint[]
}

/** AUDIT_ARCH_*; x32 shares the one of x64 and sets a bit of the number. */
export const AUDIT = { x64: 0xc000_003e, x86: 0x4000_0003, arm64: 0xc000_00b7, arm: 0x4000_0028 } as const
export const X32_BIT = 0x4000_0000

/** @returns SECCOMP_RET_* with its data. @throws what the kernel's verifier would refuse */
export function runFilter(program: Uint8Array, { number, audit, args = [] }: SeccompData): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number, 0)
  data.writeUInt32LE(audit, 4)
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + index * 8)
  const code = Buffer.from(program)
  let accumulator = 0
  for (let at = 0; at * 8 < code.length; at++) {
    const operation = code.readUInt16LE(at * 8)
    const value = code.readUInt32LE(at * 8 + 4)
    const branch = (holds: boolean) => {
      at += code.readUInt8(at * 8 + (holds ? 2 : 3))
    }
    if (operation === 0x06) return value
    if (operation === 0x20) accumulator = data.readUInt32LE(value)
    else if (operation === 0x54) accumulator = (accumulator & value) >>> 0
    else if (operation === 0x05) at += value
    else if (operation === 0x15) branch(accumulator === value)
    else if (operation === 0x25) branch(accumulator > value)
    else if (operation === 0x35) branch(accumulator >= value)
    else throw new Error(`instruction ${at} is none of a filter: ${operation.toString(16)}`)
  }
  throw new Error('the program has no end')
}

/** In words: `allow`, `errno 1`, `kill process`. */
export function verdictOf(value: number): string {
  if (value === 0x7fff_0000) return 'allow'
  if (value === 0x8000_0000) return 'kill process'
  if (value === 0) return 'kill thread'
  if (value >>> 16 === 5) return `errno ${value & 0xffff}`
  return value.toString(16)
}
