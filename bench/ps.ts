/** `ps` of 1000 containers against `ps` of 10. Docker and podman are not asked: making 1000 containers there takes minutes. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { measure, report, run, type Subject } from './harness.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 20)
const FEW = 10
const MANY = 1000
const coracle = join(import.meta.dirname, '../bin/coracle')
const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-ps-'))

try {
  const homes = [openHome(MANY), openHome(FEW)]
  for (const words of [['ps'], ['ps', '-a'], ['ps', '-aq'], ['ps', '-a', '--filter', 'name=web-1']])
    report(`${words.join(' ')} (${ROUNDS} rounds)`, measure(homes.map(subjectOf(words)), ROUNDS))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

interface Home {
  readonly count: number
  readonly env: NodeJS.ProcessEnv
}

function openHome(count: number): Home {
  const at = (name: string) => join(scratch, `${count}-${name}`)
  const env = { ...process.env, CORACLE_ROOT: at('data'), CORACLE_RUN: at('run') }
  mkdirSync(join(at('files'), 'bin'), { recursive: true })
  copyFileSync('/bin/busybox', join(at('files'), 'bin/busybox'))
  run('tar', ['-C', at('files'), '-cf', at('image.tar'), '.'])
  run(coracle, ['import', at('image.tar'), 'busybox:bench'], env)
  run(coracle, ['create', '--name', 'web-0', '--label', 'team=blue', 'busybox:bench', '/bin/busybox', 'true'], env)
  copyRecord(join(at('data'), 'state.db'), count)
  return { count, env }
}

/** A record is all that `ps` reads of a container that does not run, so the others need no files. */
function copyRecord(path: string, count: number): void {
  const database = new DatabaseSync(path)
  const row = database.prepare('SELECT * FROM containers').get() as Record<string, SQLInputValue> | undefined
  if (row === undefined) throw new Error('the first container was not recorded')
  const columns = Object.keys(row)
  const insert = database.prepare(
    `INSERT INTO containers (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  database.exec('BEGIN')
  for (let number = 1; number < count; number += 1) {
    const own = { id: number.toString(16).padStart(64, '0'), name: `web-${number}`, state: 'exited', exit_status: 0 }
    insert.run(
      ...Object.values({ ...row, ...own, started_at: row['created_at'] ?? 0, finished_at: row['created_at'] ?? 0 }),
    )
  }
  database.exec('COMMIT')
  database.close()
}

function subjectOf(words: readonly string[]): (home: Home) => Subject {
  return ({ count, env }) => ({ name: `${count} containers`, work: () => void run(coracle, words, env) })
}
