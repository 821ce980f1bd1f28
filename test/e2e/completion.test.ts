/** Completion as a user meets it: a real bash, at a terminal, and the key. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, it } from 'mocha'
import { CLI, type Cli, openCli } from '../support/cli.ts'
import { addPlugin, pluginSource, writePlugin } from '../support/plugins.ts'
import { file, tarOf } from '../support/tar.ts'

/** Types each line and the key, then lets bash print what stands there instead of running it. Nothing waits for a clock. */
const AT_BASH = `
import json, os, pty, sys
lines = json.loads(sys.argv[1])
pid, master = pty.fork()
if pid == 0:
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
typed = 'bind "set bell-style none"; source <(coracle completion bash)\\n'
for line in lines:
    typed += line + '\\t\\x01printf "<%s>" "\\x05"; echo END\\n'
os.write(master, (typed + 'exit\\n').encode())
said = b''
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    said += data
os.waitpid(pid, 0)
sys.stdout.buffer.write(said)
`

describe('completion', () => {
  let cli: Cli
  beforeEach(async () => {
    cli = await openCli()
  })

  /** The lines after the key has been pressed at their ends. */
  function completed(...lines: string[]): string[] {
    const env = { ...cli.env, PATH: `${dirname(CLI)}:${process.env['PATH']}`, TERM: 'dumb', COLUMNS: '500' }
    const options = { env, cwd: cli.directory, encoding: 'utf8', timeout: 60_000 } as const
    const { stdout } = spawnSync('python3', ['-c', AT_BASH, JSON.stringify(lines)], options)
    const shown = [...stdout.matchAll(/^<(.*)>END\r?$/gm)].map(([, line = '']) => line)
    assert.equal(shown.length, lines.length, stdout)
    return shown
  }

  it('of bash finishes commands, flags, values and names, of plugins as well', () => {
    cli.output('import', writePlugin(cli, 'image.tar', tarOf([file('x', 'x')])), 'localhost:5000/team/app:1.0')
    const flags = "flags: { shade: { type: 'option', options: ['light', 'dark'] } },"
    addPlugin(cli, 'paint.js', pluginSource('', { more: flags }))
    assert.deepEqual(
      completed(
        'coracle rena',
        'coracle image pru',
        'coracle run --net',
        'coracle run --pull alw',
        'coracle run --pull=nev',
        'coracle rmi loc',
        'coracle rmi localhost:50',
        'coracle rmi localhost:5000/team/app:',
        'coracle pai',
        'coracle paint --shade d',
        'coracle plugins inspect p',
        'coracle load --input imag',
        'coracle zzz',
      ),
      [
        'coracle rename ',
        'coracle image prune ',
        'coracle run --network',
        'coracle run --pull always ',
        'coracle run --pull=never ',
        'coracle rmi localhost:5000/team/app:1.0 ',
        'coracle rmi localhost:5000/team/app:1.0 ',
        'coracle rmi localhost:5000/team/app:1.0 ',
        'coracle paint ',
        'coracle paint --shade dark ',
        'coracle plugins inspect paint ',
        'coracle load --input image.tar ',
        'coracle zzz',
      ],
    )
  })

  it('makes no data root, and finds nothing in one that is not there', () => {
    assert.equal(cli.output('internal', 'complete', '--', 'rm', ''), '')
    assert(!existsSync(join(cli.directory, 'root')))
  })

  it('is written for three shells', () => {
    assert.match(cli.output('completion', 'zsh'), /^#compdef coracle\n/)
    assert.match(cli.output('completion', 'fish'), /complete -c coracle/)
    assert.match(cli.run(['completion', 'tcsh']).stderr, /there is no completion for 'tcsh'/)
  })
})
