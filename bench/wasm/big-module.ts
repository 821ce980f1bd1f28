/** A module of some 10 MB for WASI: 11 000 functions of arithmetic, branches, loops and memory, called through a table. */

const FUNCTIONS = 11_000
const [I32, FUNCTION, END, EMPTY] = [0x7f, 0x60, 0x0b, 0x40]

/** @param called - how many of the functions `_start` calls, each once */
export function bigModule(called: number): Buffer {
  const random = randomNumbers()
  const all = Array.from({ length: FUNCTIONS }, (_, index) => index)
  const bodies = all.map(() => worker(random))
  return Buffer.concat([
    Buffer.from([0, ...Buffer.from('asm'), 1, 0, 0, 0]),
    section(1, [2, FUNCTION, 2, I32, I32, 1, I32, FUNCTION, 0, 0]),
    section(3, [...unsigned(FUNCTIONS + 1), ...all.map(() => 0), 1]),
    section(4, [1, 0x70, 0, ...unsigned(FUNCTIONS)]),
    section(5, [1, 0, 1]),
    section(7, [2, ...name('memory'), 2, 0, ...name('_start'), 0, ...unsigned(FUNCTIONS)]),
    section(9, [1, 0, 0x41, 0, END, ...unsigned(FUNCTIONS), ...all.flatMap(unsigned)]),
    section(10, Buffer.concat([Buffer.from(unsigned(FUNCTIONS + 1)), ...bodies, entry(called)])),
  ])
}

/** Locals: x and y, the parameters, and i. */
function worker(random: () => number): Buffer {
  const steps = Array.from({ length: 6 + (random() % 10) }, () => step(random)).flat()
  return body([1, 1, I32], [...steps, ...get(0), ...get(1), 0x73])
}

/** x = (x ^ x >> 13) * constant; then, as a bit of x says, a loop that stores, or a load and a remainder. */
function step(random: () => number): number[] {
  const address = [...get(0), ...constant(1020), 0x71]
  const loop = [0x03, EMPTY, ...address, ...get(1), ...get(2), 0x6c, 0x36, 2, 0]
  return [
    ...[...get(0), ...get(0), ...constant(13), 0x76, 0x73, ...constant(random()), 0x6c, 0x22, 0],
    ...[...constant(16), 0x71, 0x04, EMPTY, ...get(0), ...constant(7), 0x71, 0x21, 2],
    ...[...loop, ...get(2), ...constant(1), 0x6b, 0x22, 2, ...constant(0), 0x4a, 0x0d, 0, END],
    ...[0x05, ...get(1), ...address, 0x28, 2, 0, ...constant(1 + (random() & 0xffff)), 0x70, 0x6a, 0x21, 1],
    ...[...get(0), ...get(1), 0x6a, 0x21, 0, END],
  ]
}

/** Locals: the number of the function, and what the last one gave. */
function entry(called: number): Buffer {
  const call = [...get(1), ...get(0), ...get(0), 0x11, 0, 0, 0x21, 1]
  const next = [...get(0), ...constant(1), 0x6a, 0x22, 0, ...constant(called), 0x49]
  return body([1, 2, I32], [0x03, EMPTY, ...call, ...next, 0x0d, 0, END])
}

function body(locals: number[], code: number[]): Buffer {
  return Buffer.from([...unsigned(locals.length + code.length + 1), ...locals, ...code, END])
}

function section(id: number, content: number[] | Buffer): Buffer {
  return Buffer.concat([Buffer.from([id, ...unsigned(content.length)]), Buffer.from(content)])
}

const get = (local: number): number[] => [0x20, local]
const constant = (value: number): number[] => [0x41, ...signed(value)]
const name = (text: string): number[] => [text.length, ...Buffer.from(text)]

/** LEB128, as everywhere in the binary format. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}

/** The same ones every time. */
function randomNumbers(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    return state >>> 1
  }
}
