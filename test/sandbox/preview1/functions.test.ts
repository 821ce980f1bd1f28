import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, it } from 'mocha'
import { ALL_RIGHTS, DIRECTORY_RIGHTS, FILE_TYPE, RIGHT } from '../../../src/sandbox/preview1/abi.ts'
import { fixedClocks } from '../../../src/sandbox/preview1/clocks.ts'
import { ModuleExit } from '../../../src/sandbox/preview1/context.ts'
import { newDescriptor, openDescriptors } from '../../../src/sandbox/preview1/descriptors.ts'
import { ERRNO } from '../../../src/sandbox/preview1/errno.ts'
import { preview1Functions } from '../../../src/sandbox/preview1/functions.ts'
import { openHostDirectory } from '../../../src/sandbox/preview1/host-directory.ts'
import { openMemory } from '../../../src/sandbox/preview1/memory.ts'
import { seededRandom } from '../../../src/sandbox/preview1/random.ts'
import { scratchDirectory } from '../../support/scratch.ts'

type Value = number | bigint

/** Preview 1 called without a module: descriptor 0 is a directory of the host, named `/data`. */
async function openGuest() {
  const scratch = await scratchDirectory()
  const root = join(scratch, 'given')
  mkdirSync(root)
  const buffer = new ArrayBuffer(65_536)
  const memory = openMemory(() => buffer)
  const descriptors = openDescriptors()
  const rights = { rights: DIRECTORY_RIGHTS, inheriting: ALL_RIGHTS }
  descriptors.add(newDescriptor(openHostDirectory(root), FILE_TYPE.directory, { ...rights, preopen: '/data' }))
  const functions = preview1Functions({
    memory,
    descriptors,
    clocks: fixedClocks(0n),
    random: seededRandom('test'),
    args: ['one', 'two'],
    env: ['A=b'],
  })
  const call = (name: string, ...args: Value[]): number => {
    const called = functions[name]
    assert(called !== undefined, name)
    return called(...(args as never[]))
  }
  const text = (value: string, at = PATH_AT): [number, number] => {
    const bytes = Buffer.from(value)
    new Uint8Array(buffer).set(bytes, at)
    return [at, bytes.length]
  }
  const open = (
    path: string,
    wish: { open?: number; rights?: number; inheriting?: number; follow?: number; flags?: number; fd?: number } = {},
  ) =>
    call(
      'path_open',
      wish.fd ?? 0,
      wish.follow ?? 0,
      ...text(path),
      wish.open ?? 0,
      BigInt(wish.rights ?? 0),
      BigInt(wish.inheriting ?? 0),
      wish.flags ?? 0,
      RESULT_AT,
    )
  const opened = (...args: Parameters<typeof open>): number => {
    assert.equal(open(...args), ERRNO.SUCCESS, args[0])
    return memory.readU32(RESULT_AT)
  }
  return { root, scratch, memory, descriptors, functions, call, text, open, opened, close: descriptors.closeAll }
}

const RESULT_AT = 0
const BUFFER_AT = 256
const PATH_AT = 32_768
const OTHER_AT = 40_960
const CREATE = 1
const DIRECTORY = 2
const EXCLUSIVE = 4
const TRUNCATE = 8

/** Which parameters have 64 bits. */
const LONG: Readonly<Record<string, readonly number[]>> = {
  clock_time_get: [1],
  fd_advise: [1, 2],
  fd_allocate: [1, 2],
  fd_fdstat_set_rights: [1, 2],
  fd_filestat_set_size: [1],
  fd_filestat_set_times: [1, 2],
  fd_pread: [3],
  fd_pwrite: [3],
  fd_readdir: [3],
  fd_seek: [1],
  path_filestat_set_times: [4, 5],
  path_open: [5, 6],
}

/** Where they take the address and the length of a path. */
const PATHS: Readonly<Record<string, readonly number[]>> = {
  path_create_directory: [1],
  path_filestat_get: [2],
  path_filestat_set_times: [2],
  path_link: [2, 5],
  path_open: [2],
  path_readlink: [1],
  path_remove_directory: [1],
  path_rename: [1, 4],
  path_symlink: [0, 3],
  path_unlink_file: [1],
}

describe('the functions of preview 1', () => {
  it('are all there', async () => {
    const { functions, close } = await openGuest()
    const names =
      `args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get fd_advise fd_allocate
      fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size
      fd_filestat_set_times fd_pread fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber fd_seek
      fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open
      path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise
      sched_yield random_get sock_accept sock_recv sock_send sock_shutdown`.split(/\s+/)
    assert.deepEqual(Object.keys(functions).toSorted(), names.toSorted())
    close()
  })

  it('answer with an errno, whatever they are called with, and leave what is outside alone', async function () {
    this.timeout(120_000)
    const guest = await openGuest()
    writeFileSync(join(guest.scratch, 'secret'), 'of the host')
    writeFileSync(join(guest.root, 'file'), 'x'.repeat(100))
    symlinkSync('../secret', join(guest.root, 'out'))
    const paths = ['file', 'out', '../secret', '../../new', '.', '/', 'new', 'new/', 'new/x', 'new/../..', 'out/../x']
    // Mostly what means something: descriptor 0, the path and its length.
    const number = fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 6, arbitrary: fc.constantFrom(PATH_AT, OTHER_AT) },
      { weight: 6, arbitrary: fc.nat(11) },
      { weight: 1, arbitrary: fc.constantFrom(-1, 65_535) },
      { weight: 1, arbitrary: fc.integer() },
    )
    // Not those that would take the directory from all that follow.
    const ending = ['proc_exit', 'proc_raise', 'fd_close', 'fd_renumber', 'fd_fdstat_set_rights']
    const names = Object.keys(guest.functions).filter((name) => !ending.includes(name))
    await fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.tuple(fc.constantFrom(...paths), fc.constantFrom(...paths)),
        fc.array(number, { minLength: 9, maxLength: 9 }),
        (name, [path, other], numbers) => {
          const places = [guest.text(path), guest.text(other, OTHER_AT)]
          const args = numbers.map((value, index) => (LONG[name]?.includes(index) ? BigInt(value) : value))
          for (const [index, at] of (PATHS[name] ?? []).entries()) args.splice(at, 2, ...(places[index] ?? []))
          const errno = guest.call(name, ...args)
          assert(errno >= 0 && errno <= ERRNO.ENOTCAPABLE, `${name} ${errno}`)
        },
      ),
      { numRuns: 20_000 },
    )
    assert.equal(readFileSync(join(guest.scratch, 'secret'), 'utf8'), 'of the host')
    assert.deepEqual(readdirSync(guest.scratch).toSorted(), ['given', 'secret'])
    guest.close()
  })

  it('give rights only away', async () => {
    const { call, open, opened, memory, close } = await openGuest()
    const fd = opened('file', { open: CREATE, rights: RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdReaddir })
    assert.equal(call('fd_fdstat_get', fd, BUFFER_AT), ERRNO.SUCCESS)
    assert.equal(memory.readU64(BUFFER_AT + 8), BigInt(RIGHT.fdRead | RIGHT.fdWrite)) // what a file has no use for it has not
    assert.equal(call('fd_fdstat_set_rights', fd, BigInt(RIGHT.fdRead), 0n), ERRNO.SUCCESS)
    assert.equal(call('fd_write', fd, BUFFER_AT, 0, RESULT_AT), ERRNO.ENOTCAPABLE)
    assert.equal(call('fd_fdstat_set_rights', fd, BigInt(RIGHT.fdRead | RIGHT.fdWrite), 0n), ERRNO.ENOTCAPABLE)

    const rights = RIGHT.pathOpen | RIGHT.pathCreateFile
    const narrow = opened('.', { rights, inheriting: RIGHT.fdRead })
    assert.equal(open('file', { fd: narrow, rights: RIGHT.fdRead }), ERRNO.SUCCESS)
    assert.equal(open('file', { fd: narrow, rights: RIGHT.fdWrite }), ERRNO.ENOTCAPABLE)
    assert.equal(open('file', { fd: narrow, open: TRUNCATE }), ERRNO.ENOTCAPABLE)
    close()
  })

  it('open what the flags say, or refuse as the kernel does', async () => {
    const { root, open, close } = await openGuest()
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'f'), 'text')
    symlinkSync('none', join(root, 'dangling'))
    symlinkSync('d', join(root, 'to-d'))
    const cases: [string, Parameters<typeof open>[1], number][] = [
      ['f', { open: DIRECTORY }, ERRNO.ENOTDIR],
      ['f/', {}, ERRNO.ENOTDIR],
      ['f', { open: CREATE | EXCLUSIVE }, ERRNO.EEXIST],
      ['d', { open: CREATE }, ERRNO.EISDIR],
      ['d', { rights: RIGHT.fdWrite }, ERRNO.EISDIR],
      ['d', { open: DIRECTORY | CREATE }, ERRNO.EINVAL],
      ['d/', {}, ERRNO.SUCCESS],
      ['new/', { open: CREATE }, ERRNO.EISDIR],
      ['to-d', {}, ERRNO.ELOOP],
      ['to-d/', {}, ERRNO.SUCCESS],
      ['to-d', { open: DIRECTORY, follow: 1 }, ERRNO.SUCCESS],
      ['dangling', { follow: 1 }, ERRNO.ENOENT],
      ['dangling', { follow: 1, open: CREATE | EXCLUSIVE }, ERRNO.EEXIST],
      ['dangling', {}, ERRNO.ELOOP],
      ['f', { open: 16 }, ERRNO.EINVAL],
      ['f', { flags: 32 }, ERRNO.EINVAL],
      ['f\0', {}, ERRNO.EINVAL],
      ['', {}, ERRNO.ENOENT],
    ]
    for (const [path, wish, expected] of cases)
      assert.equal(open(path, wish), expected, JSON.stringify([path, expected]))
    assert.deepEqual(readdirSync(root).toSorted(), ['d', 'dangling', 'f', 'to-d'])
    assert.equal(open('dangling', { follow: 1, open: CREATE }), ERRNO.SUCCESS) // makes what the link names
    assert.deepEqual(readdirSync(root).toSorted(), ['d', 'dangling', 'f', 'none', 'to-d'])
    close()
  })

  it('go on listing where the cookie says, whatever was removed meanwhile, and cut the last entry', async () => {
    const { root, call, opened, memory, close } = await openGuest()
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), '')
    const fd = opened('.', { rights: RIGHT.fdReaddir })
    const list = (size: number, cookie: bigint) => {
      assert.equal(call('fd_readdir', fd, BUFFER_AT, size, cookie, RESULT_AT), ERRNO.SUCCESS)
      return memory.readU32(RESULT_AT)
    }
    assert.equal(list(4096, 0n), 24 * 5 + 6)
    assert.equal(list(26, 0n), 26) // one whole entry, and the first byte of the next
    assert.equal(list(4096, 3n), 25 * 2)
    rmSync(join(root, 'a'))
    assert.equal(list(4096, 3n), 25 * 2)
    assert.equal(list(4096, 0n), 24 * 4 + 5)
    assert.equal(list(4096, 5n), 0)
    assert.equal(list(4096, -1n), 0)
    close()
  })

  it('move a descriptor onto another, and close what was there', async () => {
    const { call, opened, close } = await openGuest()
    const [one, two] = [opened('one', { open: CREATE }), opened('two', { open: CREATE })]
    assert.equal(call('fd_renumber', one, two), ERRNO.SUCCESS)
    assert.equal(call('fd_close', one), ERRNO.EBADF)
    assert.equal(call('fd_renumber', two, one), ERRNO.EBADF)
    assert.equal(call('fd_renumber', two, two), ERRNO.SUCCESS)
    assert.equal(opened('three', { open: CREATE }), one) // the lowest that is free
    close()
  })

  it('say which files are sockets: none', async () => {
    const { call, opened, close } = await openGuest()
    const fd = opened('file', { open: CREATE })
    assert.equal(call('sock_shutdown', fd, 3), ERRNO.ENOTSOCK)
    assert.equal(call('sock_recv', 99, 0, 0, 0, 0, 0), ERRNO.EBADF)
    assert.equal(call('sock_shutdown', 0, 1), ERRNO.EBADF) // a directory
    close()
  })

  it('wait for the first of several clocks, by the clock of the module', async () => {
    const { call, memory, close } = await openGuest()
    const subscribe = (index: number, [userdata, clock, ns, absolute]: [bigint, number, bigint, number]) => {
      const at = BUFFER_AT + index * 48
      memory.writeU64(at, userdata)
      memory.writeU8(at + 8, 0)
      memory.writeU32(at + 16, clock)
      memory.writeU64(at + 24, ns)
      memory.writeU16(at + 40, absolute)
    }
    subscribe(0, [1n, 1, 3_600_000_000_000n, 0])
    subscribe(1, [2n, 0, 60_000_000_000n, 1])
    assert.equal(call('poll_oneoff', BUFFER_AT, OTHER_AT, 2, RESULT_AT), ERRNO.SUCCESS)
    assert.deepEqual([memory.readU32(RESULT_AT), memory.readU64(OTHER_AT)], [1, 2n])
    subscribe(0, [3n, 9, 0n, 0])
    assert.equal(call('poll_oneoff', BUFFER_AT, OTHER_AT, 1, RESULT_AT), ERRNO.SUCCESS)
    assert.deepEqual([memory.readU64(OTHER_AT), memory.readU16(OTHER_AT + 8)], [3n, ERRNO.EINVAL])
    assert.equal(call('poll_oneoff', BUFFER_AT, OTHER_AT, 0, RESULT_AT), ERRNO.EINVAL)
    close()
  })

  it('end the module with a status, also by a signal', async () => {
    const { call, close } = await openGuest()
    const ending = (name: string, value: number) => {
      try {
        return call(name, value)
      } catch (error) {
        return error instanceof ModuleExit ? `exit ${error.status}` : error
      }
    }
    assert.equal(ending('proc_exit', 3), 'exit 3')
    assert.equal(ending('proc_raise', 6), 'exit 134')
    assert.equal(ending('proc_raise', 15), 'exit 143')
    assert.equal(ending('proc_raise', 0), ERRNO.SUCCESS)
    assert.equal(ending('proc_raise', 99), ERRNO.EINVAL)
    close()
  })
})
