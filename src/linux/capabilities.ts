/** Capability names and their numbers (<linux/capability.h>). */
import { InvalidArgument } from '../errors.ts'

const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const

const NUMBERS: ReadonlyMap<string, bigint> = new Map(NAMES.map((name, number) => [`CAP_${name}`, BigInt(number)]))

/** A bit set: bit n is capability n. @throws {InvalidArgument} a name that Linux does not have */
export function capabilityBits(names: readonly string[] = []): bigint {
  let bits = 0n
  for (const name of names) {
    const number = NUMBERS.get(name)
    if (number === undefined) throw new InvalidArgument(`no capability is called ${name}`)
    bits |= 1n << number
  }
  return bits
}
