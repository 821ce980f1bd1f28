/** Where the kernel follows no links, a path goes to it as a whole: what a module sees must be the same, and no more. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import { packageRoot } from '../../../src/package-root.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { whileSwapped } from '../../support/swap.ts'
import { moduleFromC } from '../../support/wasm.ts'

const RUNNER = join(packageRoot, 'src/sandbox/runner.entry.ts')
const MOUNT = 'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,nosymfollow "$1"'

/** Runs a module whose `/` is a directory of the host, of which the kernel follows the links or not. */
async function prepare(source: string) {
  const scratch = await scratchDirectory()
  const root = join(scratch, 'root')
  mkdirSync(join(root, 'a/b'), { recursive: true })
  mkdirSync(join(scratch, 'beside'))
  writeFileSync(join(root, 'a/b/file'), 'inside')
  for (const name of ['secret', 'beside/file']) writeFileSync(join(scratch, name), 'of the host')
  symlinkSync('a', join(root, 'to-a'))
  symlinkSync('/a/b', join(root, 'to-b'))
  symlinkSync('../../secret', join(root, 'a/out'))
  symlinkSync('../../beside', join(root, 'a/beside'))
  const module = join(scratch, 'program.wasm')
  writeFileSync(module, await moduleFromC(source))
  const job = join(scratch, 'job.json')
  writeFileSync(
    job,
    JSON.stringify({ engine: 'preview1', root, layers: [], module, args: ['program'], env: [], cwd: '/' }),
  )
  const argv = (linkless: boolean) => [
    '-m',
    'sh',
    '-c',
    `${linkless ? MOUNT : ':'} && exec "$2" --no-warnings "$3" "$4"`,
    ...['sh', root, process.execPath, RUNNER, job],
  ]
  return { scratch, root, argv }
}

const HEAD = `
  #include <errno.h>
  #include <fcntl.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/stat.h>
  #include <unistd.h>
  static const char *said(int result) { return result < 0 ? strerror(errno) : "done"; }
  static void show(const char *path) {
    char text[64];
    int fd = open(path, O_RDONLY), size = fd < 0 ? -1 : (int)read(fd, text, sizeof text);
    printf("%s: %.*s\\n", path, size < 0 ? (int)strlen(strerror(errno)) : size, size < 0 ? strerror(errno) : text);
    if (fd >= 0) close(fd);
  }`

describe('a root whose links the kernel does not follow', () => {
  before(function () {
    needsRoot(this)
  })

  it('shows a module the same as any other', async () => {
    const { scratch, root, argv } = await prepare(`${HEAD}
      int main(void) {
        const char *paths[] = {"/a/b/file", "/to-a/b/file", "/to-b/file", "/a/./b//file", "/a/b/../b/file", "/a/b/file/",
          "/a/out", "/a/beside/file", "/../secret", "/a/../../secret", "/a/b", "/none/file", "/a/b/file/x"};
        struct stat status;
        for (int i = 0; i < 13; i++) {
          show(paths[i]);
          printf("%s %s\\n", said(stat(paths[i], &status)), said(lstat(paths[i], &status)));
        }
        printf("%s\\n", said(mkdir("/to-a/new", 0755)));
        printf("%s\\n", said(open("/to-a/new/made", O_WRONLY | O_CREAT | O_EXCL, 0644)));
        printf("%s\\n", said(link("/a/new/made", "/to-a/hard")));
        printf("%s\\n", said(rename("/a/new/made", "/to-b/moved")));
        printf("%s\\n", said(symlink("/a/b/file", "/a/new/link")));
        show("/a/new/link");
        printf("%s\\n", said(open("/a/new/link", O_WRONLY | O_NOFOLLOW)));
        printf("%s\\n", said(open("/a/out", O_WRONLY | O_CREAT | O_TRUNC, 0644)));
        printf("%s\\n", said(unlink("/to-a/out")));
        printf("%s\\n", said(unlink("/a/new")));
        printf("%s\\n", said(rmdir("/to-a")));
        printf("%s\\n", said(rmdir("/a/new/link")));
        return 0;
      }`)
    const run = (linkless: boolean) => {
      const ended = spawnSync('unshare', argv(linkless), { encoding: 'utf8', timeout: 30_000 })
      spawnSync('sh', ['-c', `cd "${root}" && rm -rf a/new a/hard a/b/moved && ln -sfn ../../secret a/out`])
      return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr }
    }
    const [linkless, ordinary] = [run(true), run(false)]
    assert.deepEqual(linkless, ordinary)
    assert.match(linkless.stdout, /^\/to-b\/file: inside$/m)
    assert.doesNotMatch(linkless.stdout, /of the host/)
    assert.equal(readFileSync(join(scratch, 'secret'), 'utf8'), 'of the host')
  })

  it('is left by no path while another process swaps a directory for a link that leads out', async () => {
    const { scratch, root, argv } = await prepare(`${HEAD}
      int main(void) {
        char path[64], text[64];
        int inside = 0, refused = 0;
        puts("ready"); fflush(stdout);
        for (int turn = 0; inside < 200 || refused < 200; turn++) {
          snprintf(path, sizeof path, "/a/door/new%d", turn);
          int fd = open("/a/door/file", O_RDONLY);
          if (fd < 0) { refused += errno == ENOTCAPABLE; continue; }
          int size = (int)read(fd, text, sizeof text);
          close(fd);
          if (size != 6 || memcmp(text, "inside", 6) != 0) return 1;
          inside++;
          fd = open(path, O_WRONLY | O_CREAT, 0644);
          if (fd >= 0) close(fd);
        }
        return 0;
      }`)
    mkdirSync(join(root, 'a/door'))
    writeFileSync(join(root, 'a/door/file'), 'inside')
    const swapped = () => {
      const ended = spawnSync('unshare', argv(true), { encoding: 'utf8', timeout: 50_000 })
      assert.deepEqual([ended.status, ended.stderr], [0, ''])
    }
    await whileSwapped(join(root, 'a'), swapped, 'beside')
    assert.deepEqual(readdirSync(join(scratch, 'beside')), ['file'])
  })
})
