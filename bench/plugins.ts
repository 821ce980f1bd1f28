/** Commands of Coracle itself with no plugin installed and with twenty, npm packages and single files; and what a plugin's own cost. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure, report, run } from './harness.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 30)
const EACH = 10
const coracle = join(import.meta.dirname, '../bin/coracle')
const directory = mkdtempSync(join(tmpdir(), 'coracle-bench-plugins-'))
const roots = { none: join(directory, 'none'), twenty: join(directory, 'twenty') }

function call(root: keyof typeof roots, ...words: string[]): () => void {
  return () => {
    process.env['CORACLE_ROOT'] = roots[root]
    run(coracle, words)
  }
}

function install(index: number): void {
  const single = join(directory, `single${index}.js`)
  writeFileSync(single, "export default { contract: '^1.0.0', summary: 'Do nothing', run() {} }\n")
  call('twenty', 'plugins', 'add', single)()
  const home = join(directory, `package${index}`)
  mkdirSync(join(home, 'commands'), { recursive: true })
  const document = {
    name: `coracle-plugin-bench${index}`,
    version: '1.0.0',
    type: 'module',
    oclif: { commands: './commands' },
    coracle: { contract: '^1.0.0', volumeDrivers: { [`bench${index}`]: './driver.js' } },
  }
  writeFileSync(join(home, 'package.json'), JSON.stringify(document))
  writeFileSync(join(home, 'driver.js'), 'export default () => ({})\n')
  const command = "export default class Nothing { static summary = 'Do nothing'; static async run() {} }\n"
  writeFileSync(join(home, 'commands', `npm${index}.js`), command)
  call('twenty', 'plugins', 'install', `file:${home}`)()
}

try {
  call('none', 'ps')() // its compiled code is kept in the data root, which is made by that
  for (let index = 0; index < EACH; index++) install(index)
  const subjects = ['version', 'ps', 'help'].flatMap((word) => [
    { name: `${word}, none installed`, work: call('none', word) },
    { name: `${word}, ${2 * EACH} installed`, work: call('twenty', word) },
  ])
  const own = [
    { name: 'a command of npm', work: call('twenty', 'npm3') },
    { name: 'a command of a file', work: call('twenty', 'single3') },
  ]
  report(`plugins (${ROUNDS} rounds)`, measure([...subjects, ...own], ROUNDS))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
