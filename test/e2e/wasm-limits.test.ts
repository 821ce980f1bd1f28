/** What holds a module: memory, time, signals, and the clocks and random bytes that it sees. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { moduleFromC, moduleFromText } from '../support/wasm.ts'

const SPIN = '(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))'
/** Exits with the number of MiB that it could have, and has touched. */
const GREEDY = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 16)
  (func (export "_start") (local $pages i32)
    (block $full (loop $more
      (local.set $pages (memory.grow (i32.const 16)))
      (br_if $full (i32.eq (local.get $pages) (i32.const -1)))
      (i32.store (i32.mul (local.get $pages) (i32.const 65536)) (i32.const 1))
      (br $more)))
    (call $exit (i32.div_u (memory.size) (i32.const 16)))))`
const FILLER = String.raw`
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
char *volatile kept;
int main(void) {
  int count = 0;
  for (char *block; (block = malloc(1 << 20)) != NULL; count++) kept = memset(block, 1, 1 << 20);
  printf("%d\n", count);
}`
const SAME = String.raw`
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(void) {
  unsigned char bytes[8];
  getentropy(bytes, sizeof bytes);
  for (int i = 0; i < 8; i++) printf("%02x", bytes[i]);
  sleep(86400);
  printf(" %lld\n", (long long)time(NULL));
}`

describe('the limits of a module', function () {
  this.timeout(120_000)
  let coracle: Coracle
  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    const modules = {
      spin: await moduleFromText(SPIN),
      greedy: await moduleFromText(GREEDY),
      filler: await moduleFromC(FILLER),
      same: await moduleFromC(SAME),
    }
    for (const [name, bytes] of Object.entries(modules)) writeFileSync(join(coracle.directory, `${name}.wasm`), bytes)
  })
  after(() => coracle?.close())

  const spin = (...flags: string[]) => coracle.output('run', '-d', ...flags, './spin.wasm')
  const status = (id: string) => coracle.output('inspect', '-f', '{{.State.ExitCode}}', id)

  it('stop ends one that never comes to itself, by its signal and not by force', () => {
    const id = spin('--stop-timeout', '60')
    coracle.output('stop', id)
    assert.equal(status(id), '143')
    assert.match(coracle.output('ps', '-a'), /Exited \(143\)/)
    coracle.output('rm', id)
  })

  it('kill ends it too, and pause holds it', () => {
    const id = spin()
    coracle.output('pause', id)
    assert.match(coracle.output('ps'), /Paused/)
    coracle.output('unpause', id)
    coracle.output('kill', id)
    assert.equal(coracle.output('wait', id), '137')
    coracle.output('rm', id)
  })

  it('--timeout ends it after that time with 124, whoever waits', () => {
    const ended = coracle.run(['run', '--rm', '--timeout', '300ms', './spin.wasm'])
    assert.equal(ended.status, 124)
    assert.match(ended.stderr, /was stopped: it may run for 0\.3 s\n/)
    const id = spin('--timeout', '100ms')
    assert.equal(coracle.output('wait', id), '124')
    coracle.output('rm', id)
  })

  it('--timeout leaves those alone that end before, and wants a time', () => {
    assert.equal(coracle.run(['run', '--rm', '--timeout', '60', IMAGE, 'true']).status, 0)
    const { status: refused, stderr } = coracle.run(['run', '--rm', '--timeout', 'soon', IMAGE, 'true'])
    assert.equal(refused, 125)
    assert.match(stderr, /invalid argument "soon" for "--timeout"/)
  })

  it('--timeout kills a native container that does not obey, when its grace is over', () => {
    const stubborn = ['sh', '-c', 'trap "echo no" TERM; while :; do sleep 0.05; done']
    const ended = coracle.run(['run', '--rm', '--timeout', '300ms', '--stop-timeout', '1', IMAGE, ...stubborn])
    assert.equal(ended.status, 124)
    assert.equal(ended.stdout, 'no\n')
  })

  it('--timeout ends a paused container too, which goes on only to end', () => {
    const id = coracle.output('run', '-d', '--timeout', '500ms', '--stop-timeout', '1', IMAGE, 'sleep', '1000')
    coracle.output('pause', id)
    assert.equal(coracle.output('wait', id), '124')
    coracle.output('rm', id)
  })

  it('--memory caps its memory: it is told that there is no more, and lives on', () => {
    assert.equal(coracle.run(['run', '--rm', '-m', '200m', './greedy.wasm']).status, 200 - 64)
  })

  it('--memory leaves room for the process around it: a module that uses all it gets is not killed', () => {
    const { stdout, status } = coracle.run(['run', '--rm', '-m', '128m', './filler.wasm'])
    assert.deepEqual([stdout, status], ['63\n', 0])
  })

  it('--pids-limit and --cpus are those of its group', () => {
    const id = spin('--pids-limit', '50', '--cpus', '0.5')
    const [pids = 0] = coracle.output('stats', '--no-stream', '--format', '{{.PIDs}}', id).split('\n').map(Number)
    assert(pids > 0 && pids <= 50)
    assert.equal(
      coracle.output('inspect', '-f', '{{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}', id),
      '50 500000000',
    )
    coracle.output('rm', '-f', id)
  })

  it('--wasi-clock and --wasi-seed make every run the same, and a day of sleep short', () => {
    const flags = ['--wasi-clock', '2026-01-31T12:00:00Z', '--wasi-seed', 'one']
    const [first, second] = [1, 2].map(() => coracle.output('run', '--rm', ...flags, './same.wasm'))
    assert.match(first ?? '', /^[0-9a-f]{16} 1769947200$/)
    assert.equal(second, first)
    assert.notEqual(coracle.output('run', '--rm', ...flags, '--wasi-seed', 'two', './same.wasm'), first)
  })

  it('leave nothing behind', () => {
    assert.deepEqual(coracle.leftovers(), [])
  })
})
