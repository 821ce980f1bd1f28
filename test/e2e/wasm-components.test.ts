/** Components of WASI 0.2 as containers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { componentFromC, componentFromText } from '../support/component.ts'
import { type Coracle, eventually, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { moduleFromText } from '../support/wasm.ts'

const RUN = 'EXPORT("wasi:cli/run@0.2.3#run") int run(void)'

/** What a component does with files: the first preopened directory, and files opened below it. */
const FILES = `
struct directories { struct { int32_t handle; struct text name; } *at; size_t count; };
IMPORT("wasi:filesystem/preopens", "get-directories") void get_directories(struct directories *found);
IMPORT("wasi:filesystem/types", "[method]descriptor.open-at")
void open_at(int32_t, int32_t follow, const char *, size_t, int32_t open, int32_t use, struct result_handle *);
IMPORT("wasi:filesystem/types", "[method]descriptor.read")
void read_file(int32_t, uint64_t size, uint64_t offset, struct result_text *);
IMPORT("wasi:filesystem/types", "[method]descriptor.write")
void write_file(int32_t, const char *, size_t, uint64_t offset, void *);
IMPORT("wasi:filesystem/types", "[method]descriptor.append-via-stream") void append(int32_t, struct result_handle *);
IMPORT("wasi:filesystem/types", "[method]descriptor.symlink-at")
void symlink_at(int32_t, const char *, size_t, const char *, size_t, uint8_t *);
IMPORT("wasi:filesystem/types", "[method]descriptor.rename-at")
void rename_at(int32_t, const char *, size_t, int32_t to, const char *, size_t, uint8_t *);
static int32_t root(void) {
  struct directories found;
  get_directories(&found);
  print_text(found.at[0].name.at, found.at[0].name.size);
  print(found.count == 1 ? "\\n" : " and others\\n");
  return found.at[0].handle;
}
static void failed(const char *path, int error) {
  print(path), print(": error "), print_number(error), print("\\n");
}
static void show(int32_t directory, const char *path) {
  struct result_handle file;
  struct result_text content;
  open_at(directory, 1, path, length(path), 0, 1, &file);
  if (file.failed) { failed(path, file.error); return; }
  read_file(file.handle, 100, 0, &content);
  if (content.failed) { failed(path, 100); return; }
  print(path), print(": "), print_text(content.value.at, content.value.size);
}
static void put(int32_t directory, const char *path, const char *text) {
  struct result_handle file, stream;
  char result[24];
  open_at(directory, 1, path, length(path), 1, 2, &file);
  if (file.failed) { failed(path, file.error); return; }
  write_file(file.handle, text, length(text), 0, result);
  append(file.handle, &stream);
  stream_write(stream.handle, "+\\n", 2, result);
}
`

describe('components', function () {
  this.timeout(120_000)
  let coracle: Coracle

  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(coracle.directory, name), bytes)
    return `./${name}`
  }
  const compile = async (source: string) => write('program.wasm', await componentFromC(source))
  const run = async (source: string, ...words: string[]) =>
    coracle.run(['run', '--rm', ...words, await compile(source)])

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
  })
  after(() => {
    coracle?.close()
  })

  it('get arguments and the environment they are given, and nothing of the host', async () => {
    const path = await compile(`
      struct list { struct text *at; size_t count; };
      IMPORT("wasi:cli/environment", "get-arguments") void get_arguments(struct list *);
      IMPORT("wasi:cli/environment", "get-environment") void get_environment(struct list *);
      static void show(size_t count, struct text *at) {
        for (size_t each = 0; each < count; each++) print_text(at[each].at, at[each].size), print(";");
        print("\\n");
      }
      ${RUN} {
        struct list found;
        get_arguments(&found);
        show(found.count, found.at);
        get_environment(&found);
        show(found.count * 2, found.at);
        return 0;
      }`)
    const { status, stdout, stderr } = coracle.run(['run', '--rm', '-e', 'A=b=c', path, 'one', 'two words'])
    assert.deepEqual([status, stderr], [0, ''])
    const [args, env = ''] = stdout.split('\n')
    assert.equal(args, 'program.wasm;one;two words;')
    assert.match(env, /A;b=c;/)
    assert.doesNotMatch(env, /CORACLE|npm|SHELL/)
  })

  it('end with the status they choose, 1 for an error without words, and 134 for a trap', async () => {
    const exit =
      'IMPORT("wasi:cli/exit", "exit") void leave(int32_t); IMPORT("wasi:cli/exit", "exit-with-code") void leave_with(int32_t);'
    assert.equal((await run(`${RUN} { return 0; }`)).status, 0)
    assert.deepEqual(await run(`${RUN} { return 1; }`), { status: 1, stdout: '', stderr: '' })
    assert.equal((await run(`${exit} ${RUN} { leave(0); return 1; }`)).status, 0)
    assert.equal((await run(`${exit} ${RUN} { leave(1); return 0; }`)).status, 1)
    assert.equal((await run(`${exit} ${RUN} { leave_with(7); return 0; }`)).status, 7)
    const trapped = await run(`${RUN} { print("before\\n"); __builtin_trap(); }`)
    assert.deepEqual([trapped.status, trapped.stdout], [134, 'before\n'])
    assert.match(trapped.stderr, /^coracle: the module trapped: .*unreachable/)
  })

  it('have streams that are live in both directions', async () => {
    const child = coracle.start([
      'run',
      '--rm',
      '-i',
      await compile(`
      IMPORT("wasi:cli/stdin", "get-stdin") int32_t get_stdin(void);
      ${RUN} {
        int32_t in = get_stdin();
        struct result_text read;
        for (;;) {
          stream_read(in, 100, &read);
          if (read.failed) break;
          print("got "), print_text(read.value.at, read.value.size);
        }
        print("end\\n");
        return 0;
      }`),
    ])
    let seen = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk
    })
    child.stdin?.write('one\n')
    await eventually('the first line comes back', () => seen === 'got one\n')
    child.stdin?.write('two\n')
    await eventually('the second too', () => seen === 'got one\ngot two\n')
    child.stdin?.end()
    const [status] = await once(child, 'close')
    assert.deepEqual([status, seen], [0, 'got one\ngot two\nend\n'])
  })

  it('see the image as one tree, write into the container, and leave it by no path', async () => {
    const program = await componentFromC(`${FILES} ${RUN} {
      uint8_t result[2];
      int32_t at = root();
      show(at, "etc/motd");
      put(at, "etc/made", "new");
      show(at, "etc/made");
      show(at, "link"), show(at, "etc/../../etc/shadow"), show(at, "/etc/motd"), show(at, "etc/up/up");
      symlink_at(at, "../../../../../etc/shadow", 25, "out", 3, result);
      show(at, "out");
      rename_at(at, "etc/motd", 8, at, "../moved", 8, result);
      print_number(result[1]);
      return 0;
    }`)
    const tree = join(coracle.directory, 'tree')
    mkdirSync(join(tree, 'etc'), { recursive: true })
    writeFileSync(join(tree, 'etc/motd'), 'of the image\n')
    symlinkSync('/etc/shadow', join(tree, 'link'))
    symlinkSync('../../../../../../../../etc', join(tree, 'etc/up'))
    write('program.wasm', program)
    coracle.output(
      'wasm',
      'pack',
      '-q',
      'program.wasm',
      '-t',
      'files:test',
      '--file',
      `${join(tree, 'etc/motd')}:/etc/motd`,
    )
    const { status, stdout } = coracle.run(['run', '--name', 'files', 'files:test'])
    // 20 is no-entry, 31 not-permitted
    const escapes = ['link: error 20', 'etc/../../etc/shadow: error 31', '/etc/motd: error 31', 'etc/up/up: error 20']
    assert.deepEqual(stdout.split('\n'), [
      ...['/', 'etc/motd: of the image', 'etc/made: new+', ...escapes, 'out: error 31', '31'],
    ])
    assert.equal(status, 0)
    assert.match(coracle.output('diff', 'files'), /A \/etc\/made/)
    coracle.output('rm', 'files')
    const links = coracle.run(['run', '--rm', '-v', `${tree}:/t`, './program.wasm'])
    assert.match(links.stdout, /^\/ and others\n/)
  })

  it('see volumes, and cannot write into one that is read-only', async () => {
    const volume = join(coracle.directory, 'volume')
    mkdirSync(volume)
    writeFileSync(join(volume, 'a'), 'of the host\n')
    symlinkSync('/etc/shadow', join(volume, 'shadow'))
    symlinkSync('../../../../../etc/shadow', join(volume, 'up'))
    const source = `${FILES} ${RUN} {
      int32_t at = root();
      show(at, "data/a"), show(at, "data/shadow"), show(at, "data/up");
      put(at, "data/b", "made");
      return 0;
    }`
    const readOnly = await run(source, '-v', `${volume}:/data:ro`)
    assert.match(readOnly.stdout, /data\/a: of the host\n.*error (?:20|31)\n.*error (?:20|31)\ndata\/b: error 33\n/)
    assert.equal(existsSync(join(volume, 'b')), false)
    await run(source, '-v', `${volume}:/data`)
    assert.equal(readFileSync(join(volume, 'b'), 'utf8'), 'made+\n')
  })

  it('have clocks to wait by, the same times and random numbers where those are asked for, and no network', async () => {
    const source = `
      IMPORT("wasi:random/random", "get-random-u64") uint64_t random(void);
      IMPORT("wasi:clocks/monotonic-clock", "now") uint64_t now(void);
      IMPORT("wasi:sockets/tcp-create-socket", "create-tcp-socket") void make_socket(int32_t, struct result_handle *);
      ${RUN} {
        struct result_handle socket;
        uint64_t start = now();
        pollable_block(after(20000000));
        print(now() - start >= 20000000 ? "waited " : "too early ");
        make_socket(0, &socket);
        print(socket.failed && socket.error == 1 ? "refused " : "a socket ");
        print_number(random());
        return 0;
      }`
    const seeded = await run(source, '--wasi-clock', '2026-01-31T12:00:00Z', '--wasi-seed', 'x')
    assert.match(seeded.stdout, /^waited refused \d+$/)
    assert.deepEqual(await run(source, '--wasi-clock', '2026-01-31T12:00:00Z', '--wasi-seed', 'x'), seeded)
    const [one, other] = [await run(source), await run(source)]
    assert.match(one.stdout, /^waited refused \d+$/)
    assert.notEqual(one.stdout, other.stdout)
  })

  it('are held by --memory', async () => {
    const { status, stderr } = await run(
      `static char much[64 << 20]; ${RUN} { for (size_t at = 0; at < sizeof much; at += 4096) much[at] = 1; return much[5000]; }`,
      '--memory=48m',
    )
    assert.equal(status, 125)
    assert.match(stderr, /^coracle: the component asks for more memory than --memory allows/)
  })

  it('end when they are stopped, even while they spin', async () => {
    const id = coracle.output('run', '-d', await compile(`${RUN} { for (volatile int at = 0;; at++); }`))
    coracle.output('stop', '-t', '5', id)
    assert.match(coracle.output('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', id), /^exited (?:143|137)$/)
    coracle.output('rm', id)
  })

  it('are made ready once, by the engine; what is damaged, or not ours alone to write, is not used', async () => {
    const cache = join(coracle.directory, 'root/cache/components')
    const path = await compile(`${RUN} { print("made ready\\n"); return 0; }`)
    const before = existsSync(cache) ? readdirSync(cache) : []
    const runs = () => assert.equal(coracle.output('run', '--rm', path), 'made ready')
    const added = () => readdirSync(cache).filter((name) => !before.includes(name))
    runs()
    const [name = ''] = added()
    assert.equal(statSync(cache).mode & 0o777, 0o700)
    assert.equal(statSync(join(cache, name)).mode & 0o777, 0o444)
    const { ino } = statSync(join(cache, name))
    runs()
    assert.deepEqual([added(), statSync(join(cache, name)).ino], [[name], ino])
    truncateSync(join(cache, name), 100)
    runs()
    chmodSync(join(cache, name), 0o666)
    runs()
    assert.notEqual(statSync(join(cache, name)).ino, ino)
    assert.deepEqual(added(), [name])
  })

  it('are refused in one line when they cannot run', async () => {
    const refused = (status: number, pattern: RegExp, ...words: string[]) => {
      const outcome = coracle.run(['run', '--rm', ...words])
      assert.deepEqual([outcome.status, outcome.stdout], [status, ''])
      assert.match(outcome.stderr, pattern)
    }
    const library = write('library.wasm', await componentFromText('(component)'))
    refused(125, /^coracle: the component exports neither wasi:cli\/run nor an HTTP handler\n$/, library)
    const foreign = `(component
      (import "acme:door/bell" (instance $bell (export "ring" (func))))
      (core func $ring (canon lower (func $bell "ring")))
      (core module $module (import "" "ring" (func)) (func (export "run") (result i32) (i32.const 0)))
      (core instance $made (instantiate $module (with "" (instance (export "ring" (func $ring))))))
      (func $go (result (result)) (canon lift (core func $made "run")))
      (instance $run (export "run" (func $go)))
      (export "wasi:cli/run@0.2.3" (instance $run)))`
    refused(
      125,
      /^coracle: the component imports acme:door\/bell, which is not here\n$/,
      write('f.wasm', await componentFromText(foreign)),
    )
    const good = await componentFromC(`${RUN} { return 0; }`)
    const damaged = Buffer.from(good)
    damaged.fill(0xff, 40, 60)
    refused(126, /^coracle: exec: "damaged.wasm": /, write('damaged.wasm', damaged))
    refused(126, /^coracle: exec: "cut.wasm": exec format error/, write('cut.wasm', good.subarray(0, good.length - 9)))
    const component = write('good.wasm', good)
    const module = write(
      'module.wasm',
      await moduleFromText('(module (memory (export "memory") 1) (func (export "_start")))'),
    )
    for (const engine of ['preview1', 'wasmer'])
      refused(125, /does not run this: it is a component/, '--wasi-engine', engine, component)
    refused(125, /does not run this: it is a core module/, '--wasi-engine', 'component', module)
    assert.equal(coracle.run(['run', '--rm', '--wasi-engine', 'component', component]).status, 0)
  })
})
