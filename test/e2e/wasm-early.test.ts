/** Runners that are started before anybody knows what they run: what they change for nobody, and what they leave when nobody wants them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { nativeProgram, packageRoot } from '../../src/package-root.ts'
import { RUNNER_FLAGS } from '../../src/sandbox/backend.ts'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import { moduleFromC } from '../support/wasm.ts'

/** Prints its words, a variable, what it is given and what is in its directory, keeps a file there, and ends as told. */
const TELLER = String.raw`
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char **words) {
  char line[64] = "nothing";
  for (int i = 1; i < count; i++) printf("%s ", words[i]);
  const char *word = getenv("WORD");
  if (fgets(line, sizeof line, stdin) != NULL) line[strcspn(line, "\n")] = 0;
  printf("| %s | %s |", word == NULL ? "none" : word, line);
  DIR *directory = opendir("/data");
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.') printf(" %s", entry->d_name);
  FILE *kept = fopen("/kept", "w");
  printf(" %s\n", kept != NULL && fputs("kept", kept) >= 0 && fclose(kept) == 0 ? "wrote" : "could not write");
  fprintf(stderr, "to stderr\n");
  return count > 1 ? atoi(words[count - 1]) : 0;
}`
const SLEEPER = '#include <unistd.h>\nint main(void) { write(1, "asleep\\n", 7); sleep(3600); }'
const RUNNER = join(packageRoot, 'dist/sandbox/runner.entry.js')

/** Words of processes that are runners of this package, and wait or have waited at a gate. */
function earlyRunners(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(`${RUNNER}\0/.container/job\x0020\0`)
      } catch {
        return false // it has just ended
      }
    })
    .map(Number)
}

describe('a runner that is started early', function () {
  this.timeout(120_000)
  let coracle: Coracle
  let plan = ''
  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    plan = join(coracle.env['CORACLE_ROOT'] ?? '', 'cache/runner/plan')
    writeFileSync(join(coracle.directory, 'teller.wasm'), await moduleFromC(TELLER))
    writeFileSync(join(coracle.directory, 'sleeper.wasm'), await moduleFromC(SLEEPER))
  })
  after(() => coracle?.close())

  /** Whether the runner of a container that sleeps has waited at a gate. */
  const wasEarly = async (...flags: string[]) => {
    coracle.output('run', '-d', '--name', 'sleeper', ...flags, './sleeper.wasm')
    await until('the module sleeps', () => coracle.output('logs', 'sleeper') === 'asleep')
    const init = coracle.output('inspect', '-f', '{{.State.Pid}}', 'sleeper')
    const runner = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').trim()
    const early = earlyRunners().includes(Number(runner))
    const groups = (pid: string) => readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    assert.equal(groups(runner), groups(init))
    assert(
      groups(runner).includes(coracle.output('inspect', '-f', '{{.Id}}', 'sleeper')),
      'it is in the container’s groups',
    )
    coracle.output('rm', '-f', 'sleeper')
    return early
  }

  it('runs a module as any other does: words, variables, input, mounts, files, streams, status', async () => {
    const words = ['-i', '--rm', '-e', 'WORD=w', '-v', `${coracle.directory}:/data:ro`, './teller.wasm', 'one', '7']
    const late = coracle.run(['run', ...words], { input: 'given\n' })
    assert.match(late.stdout, /^one 7 \| w \| given \| .*teller\.wasm.* wrote\n$/)
    assert.deepEqual([late.stderr, late.status], ['to stderr\n', 7])
    assert.equal(await wasEarly(), true)
    for (const none of [['--network', 'none'], ['--net=none']]) assert.equal(await wasEarly(...none), true)
    assert.equal(await wasEarly('--network', 'host'), false)
    assert.equal(await wasEarly(), true)
    assert.deepEqual(coracle.run(['run', ...words], { input: 'given\n' }), late)
    const plain = coracle.run(['run', '--name', 'keeper', './teller.wasm'], { input: 'given\n' })
    assert.match(plain.stdout, /^\| none \| nothing \| wrote\n$/)
    assert.equal(coracle.output('diff', 'keeper'), 'A /kept')
    assert.match(coracle.run(['run', '--rm', '--read-only', './teller.wasm']).stdout, /could not write/)
    coracle.output('rm', 'keeper')
  })

  it('is started for the name of an image that was a module', async () => {
    coracle.output('wasm', 'pack', 'sleeper.wasm', '-t', 'sleeping:1')
    const early = async () => {
      coracle.output('run', '-d', '--name', 'named', 'sleeping:1')
      await until('the module sleeps', () => coracle.output('logs', 'named') === 'asleep')
      const count = earlyRunners().length
      coracle.output('rm', '-f', 'named')
      return count
    }
    assert.deepEqual([await early(), await early()], [0, 1])
  })

  it('is not used for what needs another one, and then leaves nothing', async () => {
    assert.equal(await wasEarly('--memory', '256m'), false)
    assert.equal(await wasEarly('--ulimit', 'nofile=200:200'), false) // known only when it waits already
    assert.equal(await wasEarly(), false) // what was kept is that other one's
    assert.equal(await wasEarly(), true)
    assert.match(coracle.run(['run', '--rm', './missing.wasm']).stderr, /missing\.wasm/)
    assert.equal(coracle.run(['run', '--rm', '--no-such-flag', './teller.wasm']).status, 125)
    await until('all have ended', () => earlyRunners().length === 0)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('is not started from a plan that is damaged, or that somebody else could have written', async () => {
    assert.equal(await wasEarly(), true)
    chmodSync(plan, 0o666)
    assert.equal(await wasEarly(), false)
    rmSync(plan)
    assert.equal(await wasEarly(), false)
    renameSync(plan, `${plan}.real`)
    symlinkSync(`${plan}.real`, plan)
    assert.equal(await wasEarly(), false)
    rmSync(plan, { force: true })
    for (const damage of ['', 'no plan', readFileSync(`${plan}.real`).subarray(0, 1000)]) {
      writeFileSync(plan, damage, { mode: 0o600 })
      assert.equal(await wasEarly(), false)
    }
    assert.equal(await wasEarly(), true)
  })

  it('is done without where it cannot be lent its files, and its places are made again where they are missing', async () => {
    await wasEarly()
    assert.equal(await wasEarly(), true)
    const places = join(plan, '../walls/.container')
    rmSync(join(places, 'refused'))
    mkdirSync(join(places, 'refused')) // no file can be mounted there
    const ended = coracle.run(['run', '--rm', './teller.wasm', '3'])
    assert.deepEqual([ended.stdout, ended.stderr, ended.status], ['3 | none | nothing | wrote\n', 'to stderr\n', 3])
    assert.equal(await wasEarly(), false)
    rmSync(places, { recursive: true })
    await wasEarly()
    assert.equal(await wasEarly(), true)
    assert.deepEqual(coracle.leftovers(), [])
  })

  it('ends with the command that it was started for, however that ends', async () => {
    const command = spawn(nativeProgram, ['ahead', '/bin/sh', '-c', 'read line', 'run', './teller.wasm'], {
      env: coracle.env,
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    await until('one waits', () => earlyRunners().length === 1)
    command.kill('SIGKILL')
    await once(command, 'exit')
    await until('none waits', () => earlyRunners().length === 0)
  })
})

describe('the runner that was built', () => {
  it('has code that V8 takes with the flags that containers start it with', () => {
    const script = `const { Script } = require('node:vm'), { readFileSync } = require('node:fs')
      const path = process.argv[1]
      const source = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(path, 'latin1') + '\\n})'
      process.stdout.write(String(new Script(source, { cachedData: readFileSync(path + '.code') }).cachedDataRejected))`
    const path = join(packageRoot, 'dist/sandbox/runner.js')
    assert.equal(execFileSync(process.execPath, [...RUNNER_FLAGS, '-e', script, path], { encoding: 'utf8' }), 'false')
  })
})
