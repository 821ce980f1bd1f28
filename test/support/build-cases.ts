/** Dockerfiles, with their contexts, whose images must be those that docker makes. All are built from `busybox:test`. */

import type { TarEntry } from './images.ts'

export interface BuildCase {
  readonly name: string
  readonly dockerfile: string
  /** By path; a value that begins with `->` is a symbolic link, one that is null a directory. */
  readonly files?: Readonly<Record<string, string | null>>
  /** Octal modes of files. */
  readonly modes?: Readonly<Record<string, number>>
  /** Tar archives among the files. */
  readonly archives?: Readonly<Record<string, readonly TarEntry[]>>
  readonly args?: readonly string[]
  /** What docker 20.10 leaves of its mounts, and later versions do not. */
  readonly stubs?: readonly string[]
}

const TREE = { 'a.txt': 'a', 'b.txt': 'b', 'dir/one': '1', 'dir/two': '2', 'dir/deep/three': '3', 'dir/link': '->one' }

export const BUILD_CASES: readonly BuildCase[] = [
  {
    name: 'metadata alone',
    dockerfile:
      'FROM busybox:test\nENV a=1 b="two words"\nLABEL x=y z="q r"\nCMD echo $a\nEXPOSE 80 53/udp\nVOLUME /data /more\nUSER 1000:1000\nSTOPSIGNAL SIGTERM\nMAINTAINER me',
  },
  { name: 'exec forms', dockerfile: 'FROM busybox:test\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["echo hi"]' },
  {
    name: 'an entry point that clears the command of the base',
    dockerfile: 'FROM busybox:test\nENTRYPOINT ["/bin/echo"]',
  },
  { name: 'a command before an entry point', dockerfile: 'FROM busybox:test\nCMD ["x"]\nENTRYPOINT ["/bin/echo"]' },
  {
    name: 'a shell of its own',
    dockerfile: 'FROM busybox:test\nSHELL ["/bin/sh", "-ec"]\nRUN echo $0 >/shell\nCMD ls\nENTRYPOINT cat',
  },
  {
    name: 'a health check',
    dockerfile: 'FROM busybox:test\nHEALTHCHECK --interval=5s --timeout=3s --retries=2 CMD true\n',
  },
  { name: 'no health check', dockerfile: 'FROM busybox:test\nHEALTHCHECK NONE\n' },
  {
    name: 'variables',
    dockerfile:
      'ARG V=test\nFROM busybox:$V\nARG N=world\nENV GREETING="hello ${N}" OTHER=${MISSING:-none}\nRUN echo "$GREETING $OTHER" > /out\nWORKDIR /w/${N}\nLABEL who=$N',
  },
  {
    name: 'arguments of the command line',
    dockerfile: 'FROM busybox:test\nARG A=1\nARG B\nRUN echo $A$B > /ab\nENV C=$A',
    args: ['--build-arg', 'A=5', '--build-arg', 'B=6'],
  },
  {
    name: 'working directories',
    dockerfile: 'FROM busybox:test\nWORKDIR /a\nWORKDIR b\nWORKDIR ../c\nRUN pwd > where',
  },
  {
    name: 'a working directory of a user',
    dockerfile: 'FROM busybox:test\nUSER 1000\nWORKDIR /home/me/x\nRUN touch mine',
  },
  {
    name: 'files written by commands',
    dockerfile:
      'FROM busybox:test\nRUN mkdir -p /x/y && echo 1 > /x/y/z && chmod 700 /x && chown 5:6 /x/y && ln -s y /x/l && ln /x/y/z /x/hard\nRUN rm -r /x/y && mkdir /x/y && echo new > /x/y/other',
  },
  {
    name: 'files removed by commands',
    dockerfile: 'FROM busybox:test\nRUN mkdir /d && touch /d/a /d/b /f\nRUN rm /f /d/a\nRUN rm -r /d',
  },
  {
    name: 'a set-user-id program and odd modes',
    dockerfile:
      'FROM busybox:test\nRUN echo x > /s && chmod 4755 /s && mkdir /t && chmod 1777 /t && mkfifo /p && chmod 000 /s',
  },
  { name: 'one file to a path', dockerfile: 'FROM busybox:test\nCOPY a.txt /x/y/z', files: TREE },
  { name: 'one file into a directory', dockerfile: 'FROM busybox:test\nCOPY a.txt /x/y/', files: TREE },
  {
    name: 'one file into a directory that is there',
    dockerfile: 'FROM busybox:test\nRUN mkdir -m 700 /x\nCOPY a.txt /x',
    files: TREE,
  },
  { name: 'several files', dockerfile: 'FROM busybox:test\nWORKDIR /w\nCOPY a.txt b.txt ./', files: TREE },
  {
    name: 'a pattern',
    dockerfile: 'FROM busybox:test\nCOPY *.txt /t/\nCOPY d?r/o[a-z]e /u/\nCOPY nothing* a.txt /v/',
    files: TREE,
  },
  {
    name: 'a directory',
    dockerfile: 'FROM busybox:test\nCOPY dir /d',
    files: TREE,
    modes: { dir: 0o700, 'dir/one': 0o640, 'dir/deep': 0o711 },
  },
  {
    name: 'a directory over one that is there',
    dockerfile:
      'FROM busybox:test\nRUN mkdir -p /d/deep && chmod 700 /d /d/deep && echo old > /d/one && ln -s /etc/passwd /d/two\nCOPY dir /d',
    files: TREE,
    modes: { dir: 0o755, 'dir/deep': 0o711 },
  },
  {
    name: 'the whole context',
    dockerfile: 'FROM busybox:test\nCOPY . /all',
    files: { ...TREE, '.hidden': 'h', '.dockerignore': 'b.txt\ndir/*\n!dir/two\n' },
  },
  {
    name: 'ignored files',
    dockerfile: 'FROM busybox:test\nCOPY . /all',
    files: {
      ...TREE,
      'x/y/z.log': 'l',
      'k.log': 'l',
      '.dockerignore': '**/*.log\n*.txt\n!a.txt\n.dockerignore\nDockerfile\n',
    },
  },
  {
    name: 'owners',
    dockerfile:
      'FROM busybox:test\nRUN echo "joe:x:7:8::/:" >> /etc/passwd && echo "staff:x:50:" > /etc/group\nCOPY --chown=joe a.txt /1\nCOPY --chown=joe:staff dir /2/3\nCOPY --chown=9 a.txt /4\nCOPY --chown=9:10 a.txt /5/',
    files: TREE,
  },
  {
    name: 'links of the context',
    dockerfile: 'FROM busybox:test\nCOPY l /x\nCOPY dl /y\nCOPY dir /z',
    files: { ...TREE, l: '->a.txt', dl: '->dir' },
  },
  {
    name: 'a destination that is a link',
    dockerfile:
      'FROM busybox:test\nRUN mkdir /real && ln -s /real /alias && ln -s /real/f /falias\nCOPY a.txt /alias/\nCOPY b.txt /alias/sub/b\nCOPY a.txt /falias',
    files: TREE,
  },
  {
    name: 'stages',
    dockerfile:
      'FROM busybox:test AS build\nRUN mkdir -p /out/sub && echo made > /out/file && chown 3:4 /out/file && chmod 750 /out/sub && ln -s file /out/l\nFROM busybox:test\nCOPY --from=build /out /got\nCOPY --from=0 /out/file /file\nCOPY --from=busybox:test /bin/busybox /bb',
  },
  {
    name: 'a stage from a stage',
    dockerfile:
      'FROM busybox:test AS one\nENV A=1\nRUN echo 1 > /1\nFROM one AS two\nRUN echo $A > /2\nFROM two\nCMD ["two"]',
  },
  {
    name: 'a target',
    dockerfile: 'FROM busybox:test AS one\nRUN echo 1 > /1\nFROM busybox:test AS two\nRUN false',
    args: ['--target', 'one'],
  },
  { name: 'from nothing', dockerfile: 'FROM scratch\nCOPY a.txt /\nCOPY dir /dir\nENV A=1', files: TREE },
  {
    name: 'an archive',
    dockerfile:
      'FROM busybox:test AS tar\nRUN mkdir -p /t/x && echo in > /t/x/f && chmod 600 /t/x/f && chown 7:7 /t/x/f && ln -s f /t/x/l && touch -d 1970-01-02 /t/x/f /t/x/l /t/x /t && tar -C /t -cf /a.tar .\nFROM busybox:test\nCOPY --from=tar /a.tar /tmp/a.tar\nRUN mkdir /o && tar -C /o -xf /tmp/a.tar && rm /tmp/a.tar',
  },
  {
    name: 'triggers',
    dockerfile:
      'FROM busybox:test AS base\nONBUILD RUN echo triggered > /t\nONBUILD ENV T=1\nFROM base\nRUN echo after > /after',
  },
  {
    name: 'continued lines',
    dockerfile: 'FROM busybox:test\nRUN echo a \\\n  # a comment\n  && echo b \\\n  > /f\nENV a=b \\\n    c=d',
  },
  {
    name: 'labels of the command line',
    dockerfile: 'FROM busybox:test\nLABEL a=1 b=2',
    args: ['--label', 'b=3', '--label', 'c=4'],
  },
  {
    name: 'a mounted stage',
    dockerfile:
      '# syntax\nFROM busybox:test AS s\nRUN echo secret > /s\nFROM busybox:test\nRUN --mount=from=s,source=/,target=/m cat /m/s > /out\nRUN --mount=type=tmpfs,target=/tmp/t touch /tmp/t/x\nRUN --mount=type=cache,target=/cache touch /cache/x',
    stubs: ['cache', 'm', 'tmp/t'],
  },
  {
    name: 'a mounted context',
    dockerfile:
      'FROM busybox:test\nRUN --mount=target=/ctx cat /ctx/dir/one > /out\nRUN --mount=type=bind,source=a.txt,target=/mnt/a cp /mnt/a /copy',
    files: TREE,
    stubs: ['ctx', 'mnt'],
  },
  {
    name: 'files that commands find',
    dockerfile:
      'FROM busybox:test\nRUN touch /etc/x && rm -f /etc/hosts2; echo root > /root.txt; mkdir -p /dev/x /run/y /proc/z 2>/dev/null; true',
  },
  {
    name: 'hard links between copies',
    dockerfile:
      'FROM busybox:test\nRUN mkdir /h && echo 1 > /h/a && ln /h/a /h/b\nCOPY --from=busybox:test /etc /e\nRUN cp -a /h /h2',
  },
  {
    name: 'an archive that ADD unpacks',
    dockerfile: 'FROM busybox:test\nADD a.tar /x/y/\nADD a.tar /file-that-is-none\nCOPY a.tar /kept/',
    archives: {
      'a.tar': [
        { path: 'd', type: 'Directory', mode: 0o700 },
        { path: 'd/f', content: 'f', mode: 0o640 },
        { path: 'l', type: 'SymbolicLink', linkpath: 'd/f' },
        { path: 'h', type: 'Link', linkpath: 'd/f', mode: 0o640 },
      ],
    },
  },
  {
    name: 'archives, files and directories in one ADD, by name and by pattern',
    dockerfile: 'FROM busybox:test\nADD a.tar b.tar plain dir /several/\nADD *.tar /all/\nADD p* b.tar a.tar /last/',
    files: { plain: 'plain', 'dir/in': 'in a directory' },
    archives: {
      'a.tar': [
        { path: 'both', content: 'of a' },
        { path: 'd', type: 'Directory', mode: 0o700 },
        { path: 'd/a', content: 'a', mode: 0o640 },
        { path: 'way', type: 'SymbolicLink', linkpath: 'd' },
      ],
      'b.tar': [
        { path: 'both', content: 'of b', mode: 0o600 },
        { path: 'plain', content: 'in an archive' },
        { path: 'way/through', content: 'a link of the one before' },
      ],
    },
  },
  {
    name: 'an archive over links, files and directories of the image',
    dockerfile:
      'FROM busybox:test\nRUN mkdir -p /r/usr/lib /r/dir/old && ln -s usr/lib /r/lib && echo x > /r/file && echo y > /r/dir/old/y && ln -s /r/usr /r/way\nADD a.tar /r\nADD a.tar /r/way/',
    archives: {
      'a.tar': [
        { path: 'lib/through', content: 'a link' },
        { path: 'file', type: 'Directory', mode: 0o755 },
        { path: 'file/in', content: 'a file' },
        { path: 'dir', content: 'now a file' },
      ],
    },
  },
  {
    name: 'flags of COPY whose variables are empty',
    dockerfile: 'FROM busybox:test\nARG NONE\nCOPY --chown=$NONE --chmod=$NONE a.txt /a',
    files: TREE,
  },
]
