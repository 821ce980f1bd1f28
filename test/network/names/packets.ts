/** DNS messages as tests write and read them. */
export const A = 1
export const CNAME = 5
export const PTR = 12
export const TXT = 16
export const AAAA = 28

export function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ])
}

/** One question that asks for recursion. */
export function question(name: string, type = A, id = 0x1234): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  return Buffer.concat([header, encodeName(name), Buffer.of(type >> 8, type & 255, 0, 1)])
}

export function readQuestion(packet: Buffer): { name: string; type: number; end: number } {
  const { name, end } = decodeName(packet, 12)
  return { name, type: packet.readUInt16BE(end), end: end + 4 }
}

export interface Reply {
  readonly id: number
  readonly rcode: number
  readonly truncated: boolean
  readonly answers: readonly { name: string; type: number; ttl: number; data: string }[]
}

export function readReply(packet: Buffer): Reply {
  const answers: { name: string; type: number; ttl: number; data: string }[] = []
  let at = packet.readUInt16BE(4) === 0 ? 12 : readQuestion(packet).end
  for (let left = packet.readUInt16BE(6); left > 0; left--) {
    const { name, end } = decodeName(packet, at)
    const type = packet.readUInt16BE(end)
    const size = packet.readUInt16BE(end + 8)
    const data = packet.subarray(end + 10, end + 10 + size)
    const shown = type === A ? data.join('.') : type === PTR ? decodeName(packet, end + 10).name : data.toString('hex')
    answers.push({ name, type, ttl: packet.readUInt32BE(end + 4), data: shown })
    at = end + 10 + size
  }
  return {
    id: packet.readUInt16BE(0),
    rcode: packet.readUInt16BE(2) & 15,
    truncated: (packet.readUInt16BE(2) & 0x200) !== 0,
    answers,
  }
}

function decodeName(packet: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let end: number | undefined
  for (let at = start; ; ) {
    const length = packet.readUInt8(at)
    if (length >= 0xc0) {
      end ??= at + 2
      at = packet.readUInt16BE(at) & 0x3fff
      continue
    }
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    labels.push(packet.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
}
