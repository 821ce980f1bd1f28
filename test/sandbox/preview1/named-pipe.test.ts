/** Named pipes among a module's files: they hold up who waits for them, and nobody else. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import type { WasiJob } from '../../../src/sandbox/job.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { moduleFromC, moduleFromText } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')

const PROGRAM = `#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int flags = (argv[1][0] == 'w' ? O_WRONLY : O_RDONLY) | (argv[1][1] == 'n' ? O_NONBLOCK : 0);
  write(1, "opening\\n", 8);
  int fd = open("/pipe", flags);
  if (fd < 0) return printf("%s\\n", strerror(errno)), 0;
  if (argv[1][0] == 'w') return write(fd, "from within\\n", 12) != 12;
  char bytes[4];
  for (ssize_t got; (got = read(fd, bytes, 4)) > 0;) write(1, bytes, got);
  return 0;
}`

/** The first thread opens the pipe; another one says something meanwhile. */
const THREADS = `(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (data (i32.const 0) "pipemeanwhile\\n")
  (func (export "_start")
    (drop (call $spawn (i32.const 0)))
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64))
      (then unreachable)))
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.store (i32.const 72) (i32.const 4))
    (i32.store (i32.const 76) (i32.const 10))
    (drop (call $write (i32.const 1) (i32.const 72) (i32.const 1) (i32.const 80)))))`

async function start(program: Buffer, ...args: string[]) {
  const scratch = await scratchDirectory()
  const [image, path] = [join(scratch, 'image'), join(scratch, 'job.json')]
  mkdirSync(image)
  writeFileSync(join(image, 'app.wasm'), program)
  execFileSync('mkfifo', [join(image, 'pipe')])
  const job: WasiJob = { root: image, layers: [], args: ['/app.wasm', ...args], env: [], cwd: '/' }
  writeFileSync(path, JSON.stringify(job))
  const child = spawn(process.execPath, ['--no-warnings', RUNNER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = Promise.all([text(child.stdout), once(child, 'close')]).then(([said, [status, signal]]) => ({
    said,
    status: status as number | null,
    signal: signal as string | null,
  }))
  return { child, pipe: join(image, 'pipe'), ended }
}

describe('a named pipe among the files of a module', function () {
  this.timeout(20_000)

  it('is read to the end of who writes into it, and written into when somebody reads', async () => {
    const program = await moduleFromC(PROGRAM)
    const reader = await start(program, 'r')
    await writeFile(reader.pipe, 'from outside\n')
    assert.deepEqual(await reader.ended, { said: 'opening\nfrom outside\n', status: 0, signal: null })
    const writer = await start(program, 'w')
    assert.equal(await text(createReadStream(writer.pipe)), 'from within\n')
    assert.deepEqual(await writer.ended, { said: 'opening\n', status: 0, signal: null })
  })

  it('is opened at once by who does not want to wait', async () => {
    const program = await moduleFromC(PROGRAM)
    assert.deepEqual(await (await start(program, 'rn')).ended, { said: 'opening\n', status: 0, signal: null })
    const { said } = await (await start(program, 'wn')).ended
    assert.match(said, /^opening\nNo such device or address\n$/)
  })

  it('keeps nobody from ending the module while it waits', async () => {
    const program = await moduleFromC(PROGRAM)
    for (const how of ['r', 'w']) {
      const { child, ended } = await start(program, how)
      await once(child.stdout, 'data')
      child.kill('SIGTERM')
      assert.equal((await ended).signal, 'SIGTERM')
    }
  })

  it('holds up one thread, and not the others', async () => {
    const { child, pipe, ended } = await start(await moduleFromText(THREADS))
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    assert.equal(String(said), 'meanwhile\n')
    assert.equal(child.exitCode, null)
    await writeFile(pipe, 'enough')
    assert.equal((await ended).status, 0)
  })
})
