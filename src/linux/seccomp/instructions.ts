/** Classic BPF as seccomp takes it (<linux/bpf_common.h>, <linux/filter.h>). */

export interface Instruction {
  readonly code: number
  readonly value: number
  /** Instructions to skip, 0–255; for conditional jumps only. */
  readonly whenTrue?: number
  readonly whenFalse?: number
}

/** BPF_LD | BPF_W | BPF_ABS: a word of seccomp_data. */
export const LOAD = 0x20
/** BPF_RET | BPF_K */
export const RETURN = 0x06
/** BPF_JMP | … | BPF_K, and BPF_ALU | BPF_AND | BPF_K. */
export const JUMP = { always: 0x05, equal: 0x15, greater: 0x25, atLeast: 0x35, and: 0x54 } as const

/** `struct sock_filter`: code, two distances, value; little-endian, as both our machines are. */
export function encodeInstruction({ code, value, whenTrue = 0, whenFalse = 0 }: Instruction): Buffer {
  if (whenTrue > 255 || whenFalse > 255) throw new RangeError('a conditional jump reaches 255 instructions at most')
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(whenTrue, 2)
  bytes.writeUInt8(whenFalse, 3)
  bytes.writeUInt32LE(value >>> 0, 4)
  return bytes
}
