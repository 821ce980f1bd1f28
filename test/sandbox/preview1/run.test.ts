import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import type { WasiJob } from '../../../src/sandbox/job.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { moduleFromC, moduleFromText } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')
const HEAD = `
  #include <dirent.h>
  #include <errno.h>
  #include <fcntl.h>
  #include <poll.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/stat.h>
  #include <time.h>
  #include <unistd.h>
  static const char *said(int result) { return result < 0 ? strerror(errno) : "done"; }
  int main(int argc, char **argv) {`

interface Prepared {
  readonly scratch: string
  readonly image: string
  readonly upper: string
  readonly volume: string
  readonly argv: string[]
}

async function prepare(module: Buffer, job: Partial<WasiJob> = {}): Promise<Prepared> {
  const scratch = await scratchDirectory()
  const [image, upper, volume] = ['image', 'upper', 'volume'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ]
  for (const directory of [join(image, 'etc'), upper, volume]) mkdirSync(directory, { recursive: true })
  writeFileSync(join(image, 'app.wasm'), module)
  writeFileSync(join(image, 'etc/motd'), 'from the image')
  writeFileSync(join(volume, 'data'), 'from the volume')
  writeFileSync(join(scratch, 'secret'), 'of the host')
  const all: WasiJob = {
    engine: 'preview1',
    layers: [image],
    upper,
    volumes: [{ source: volume, target: '/data', readOnly: false }],
    args: ['/app.wasm'],
    env: [],
    cwd: '/',
    ...job,
  }
  const path = join(scratch, 'job.json')
  writeFileSync(path, JSON.stringify(all))
  return { scratch, image, upper, volume, argv: ['--no-warnings', RUNNER, path] }
}

function run({ argv }: Prepared, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { input, encoding: 'utf8', timeout: 30_000 })
  return { status, stdout, stderr }
}

const runC = async (body: string, job: Partial<WasiJob> = {}) => {
  const prepared = await prepare(await moduleFromC(`${HEAD}${body} return 0; }`), job)
  return { ...prepared, ended: run(prepared) }
}

describe('the engine preview1', () => {
  it('gives a program its arguments, its environment, its streams and its status', async () => {
    const module = await moduleFromC(`${HEAD}
      char line[64];
      printf("%d %s %s %s\\n", argc, argv[1], getenv("NAME"), getenv("SECRET_OF_THE_HOST") ? "leak" : "none");
      while (fgets(line, sizeof line, stdin)) fprintf(stderr, "got %s", line);
      return 7; }`)
    process.env['SECRET_OF_THE_HOST'] = 'x'
    const ended = run(await prepare(module, { args: ['/app.wasm', 'one'], env: ['NAME=a=b'] }), 'first\nsecond\n')
    assert.deepEqual(ended, { status: 7, stdout: '2 one a=b none\n', stderr: 'got first\ngot second\n' })
  })

  it('shows the image with the changes over it, and leaves the image itself alone', async () => {
    const { ended, image, upper } = await runC(`
      FILE *file = fopen("/etc/motd", "a");
      fputs(", and changed", file); fclose(file);
      printf("%s\\n", said(mkdir("/new", 0755)));
      printf("%s\\n", said(unlink("/app.wasm")));
      printf("%s\\n", said(access("/app.wasm", F_OK)));
      printf("%s\\n", said(symlink("/etc/motd", "/new/link")));
      char line[64]; file = fopen("/new/link", "r"); puts(fgets(line, sizeof line, file));`)
    assert.deepEqual(ended, {
      status: 0,
      stdout: 'done\ndone\nNo such file or directory\ndone\nfrom the image, and changed\n',
      stderr: '',
    })
    assert.equal(readFileSync(join(image, 'etc/motd'), 'utf8'), 'from the image')
    assert.equal(readFileSync(join(upper, 'etc/motd'), 'utf8'), 'from the image, and changed')
    assert(existsSync(join(image, 'app.wasm')))
  })

  it('reads and writes volumes in place, and only reads those that are read-only', async () => {
    const body = `
      printf("%s\\n", said(open("/data/data", O_RDONLY)));
      printf("%s\\n", said(open("/data/data", O_WRONLY)));
      printf("%s\\n", said(open("/data/new", O_WRONLY | O_CREAT, 0644)));
      printf("%s\\n", said(mkdir("/data/d", 0755)));
      printf("%s\\n", said(rename("/data/data", "/data/other")));
      printf("%s\\n", said(unlink("/data/other")));`
    const writable = await runC(body)
    assert.equal(writable.ended.stdout, 'done\n'.repeat(6))
    assert.deepEqual(readdirSync(writable.volume).toSorted(), ['d', 'new'])

    const module = await moduleFromC(`${HEAD}${body} return 0; }`)
    const prepared = await prepare(module)
    const job = JSON.parse(readFileSync(prepared.argv.at(-1) ?? '', 'utf8')) as WasiJob
    const volumes = [{ source: prepared.volume, target: '/data', readOnly: true }]
    writeFileSync(prepared.argv.at(-1) ?? '', JSON.stringify({ ...job, volumes }))
    const refused = 'Read-only file system\n'
    assert.equal(run(prepared).stdout, `done\n${refused.repeat(4)}No such file or directory\n`)
    assert.deepEqual(readdirSync(prepared.volume), ['data'])
  })

  it('lets no path, link or hard link of a module lead out of a volume', async () => {
    const { ended, scratch } = await runC(`
      char text[64];
      const char *paths[] = {"/data/../../secret", "/data/../secret", "/../secret", "/etc/shadow",
        "/data/up/secret", "/data/host", "/proc/self/environ"};
      symlink("..", "/data/up");
      symlink("../secret", "/data/host");
      for (int i = 0; i < 7; i++) {
        int fd = open(paths[i], O_RDONLY);
        if (fd < 0) { printf("%s\\n", strerror(errno)); continue; }
        printf("read %zd bytes\\n", read(fd, text, sizeof text));
      }
      printf("%s\\n", said(symlink("/etc/shadow", "/data/absolute")));
      printf("%s\\n", said(link("/data/host", "/data/hard")));
      printf("%s\\n", said(open("/data/hard", O_RDONLY)));
      printf("%s\\n", said(rename("/data/data", "/data/up/stolen")));
      printf("%s\\n", said(open("/data/host", O_WRONLY | O_CREAT | O_TRUNC, 0644)));`)
    assert.doesNotMatch(ended.stdout, /read \d/)
    const [absolute, hard, throughHard, renamed, written] = ended.stdout.trim().split('\n').slice(-5)
    assert.deepEqual(
      [absolute, throughHard, renamed, written],
      Array.from({ length: 4 }, () => 'Capabilities insufficient'),
    )
    assert.equal(hard, 'done') // of the link itself, not of what it leads to
    assert.equal(readFileSync(join(scratch, 'secret'), 'utf8'), 'of the host')
    assert(!existsSync(join(scratch, 'stolen')))
  })

  it('refuses a link that was in the volume before', async () => {
    const module = await moduleFromC(`${HEAD} printf("%s\\n", said(open("/data/host", O_RDONLY))); return 0; }`)
    const prepared = await prepare(module)
    symlinkSync(join(prepared.scratch, 'secret'), join(prepared.volume, 'host'))
    assert.equal(run(prepared).stdout, 'Capabilities insufficient\n')
  })

  it('lists a directory that is too big for one call', async () => {
    const { ended } = await runC(`
      char name[32];
      for (int i = 0; i < 500; i++) { sprintf(name, "/data/file-%d", i); close(open(name, O_CREAT | O_WRONLY, 0644)); }
      DIR *directory = opendir("/data"); int count = 0; struct dirent *entry;
      while ((entry = readdir(directory))) count++;
      printf("%d\\n", count);
      rewinddir(directory); count = 0;
      while ((entry = readdir(directory))) count++;
      printf("%d\\n", count);`)
    assert.equal(ended.stdout, '503\n503\n')
  })

  it('appends, seeks, truncates and reads at a place', async () => {
    const { ended, volume } = await runC(`
      char text[16] = {0}; struct stat status;
      int fd = open("/data/file", O_RDWR | O_CREAT, 0644);
      write(fd, "0123456789", 10);
      printf("%lld ", lseek(fd, -3, SEEK_END)); read(fd, text, 2); printf("%s ", text);
      pread(fd, text, 3, 1); printf("%s ", text);
      pwrite(fd, "XY", 2, 4); printf("%lld ", lseek(fd, 0, SEEK_CUR));
      ftruncate(fd, 8); fstat(fd, &status); printf("%lld ", status.st_size);
      fcntl(fd, F_SETFL, O_APPEND); lseek(fd, 0, SEEK_SET); write(fd, "end", 3);
      printf("%lld %d\\n", lseek(fd, 0, SEEK_CUR), fcntl(fd, F_GETFL) & O_APPEND ? 1 : 0);`)
    assert.equal(ended.stdout, '7 78 123 9 8 11 1\n')
    assert.equal(readFileSync(join(volume, 'file'), 'utf8'), '0123XY67end')
  })

  it('sets times to the nanosecond', async () => {
    const { ended } = await runC(`
      struct stat status; struct timespec times[2] = {{1700000000, 123456789}, {1600000000, 987654321}};
      futimens(open("/data/data", O_RDWR), times);
      stat("/data/data", &status);
      printf("%lld.%09ld %lld.%09ld\\n", status.st_atim.tv_sec, status.st_atim.tv_nsec, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);`)
    assert.equal(ended.stdout, '1700000000.123456789 1600000000.987654321\n')
  })

  it('shows the same times and random bytes in every run that asks for it', async () => {
    const body = `
      unsigned char bytes[8]; struct timespec now;
      getentropy(bytes, sizeof bytes); clock_gettime(CLOCK_REALTIME, &now); sleep(3600);
      for (int i = 0; i < 8; i++) printf("%02x", bytes[i]);
      printf(" %lld", now.tv_sec); clock_gettime(CLOCK_REALTIME, &now); printf(" %lld\\n", now.tv_sec);`
    const job = { clock: '1000000000000000000', seed: 'one' }
    const [first, second, other] = [
      await runC(body, job),
      await runC(body, job),
      await runC(body, { ...job, seed: 'two' }),
    ]
    assert.match(first.ended.stdout, /^[0-9a-f]{16} 1000000000 1000003600\n$/)
    assert.equal(second.ended.stdout, first.ended.stdout)
    assert.notEqual(other.ended.stdout, first.ended.stdout)
  })

  it('waits in poll for input, for as long as it is told to', async () => {
    const module = await moduleFromC(`${HEAD}
      struct pollfd in = {0, POLLIN, 0}; char text[8] = {0};
      printf("%d ", poll(&in, 1, 20)); printf("%d\\n", in.revents); fflush(stdout);
      printf("%d ", poll(&in, 1, -1)); read(0, text, 1); printf("%s ", text); fflush(stdout);
      printf("%d ", poll(&in, 1, 60000)); read(0, text, 1); printf("%s\\n", text);
      return 0; }`)
    const { argv } = await prepare(module)
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    while (!seen.includes('\n')) await once(child.stdout, 'data')
    child.stdin.write('ab') // the second is there already when it is waited for
    const [status] = (await once(child, 'close')) as [number]
    assert.equal(seen, '0 0\n1 a 1 b\n')
    assert.equal(status, 0)
  })

  it('names the trap that ends a module', async () => {
    const module = await moduleFromText(`(module (memory (export "memory") 1)
      (func $boom (drop (i32.load (i32.const 0x7fffffff)))) (func (export "_start") (call $boom)))`)
    const { status, stderr } = run(await prepare(module))
    assert.deepEqual(
      { status, stderr },
      { status: 134, stderr: 'coracle: the module trapped: memory access out of bounds in function boom\n' },
    )
  })

  it('answers a bad address with EFAULT, whatever function it is given to', async () => {
    const calls = {
      fd_read: ['i32 i32 i32 i32', '(i32.const 0) (i32.const -8) (i32.const 1) (i32.const 0)'],
      fd_fdstat_get: ['i32 i32', '(i32.const 0) (i32.const 65533)'],
      path_open: [
        'i32 i32 i32 i32 i32 i64 i64 i32 i32',
        '(i32.const 3) (i32.const 0) (i32.const 65536) (i32.const 1) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)',
      ],
      random_get: ['i32 i32', '(i32.const 1) (i32.const -1)'],
      poll_oneoff: ['i32 i32 i32 i32', '(i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)'],
      environ_sizes_get: ['i32 i32', '(i32.const 0) (i32.const 65534)'],
    }
    for (const [name, [types, args]] of Object.entries(calls)) {
      const module = await moduleFromText(`(module
        (import "wasi_snapshot_preview1" "${name}" (func $call (param ${types}) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (call $call ${args}))))`)
      assert.deepEqual(run(await prepare(module)), { status: 21, stdout: '', stderr: '' }, name)
    }
  })
})
