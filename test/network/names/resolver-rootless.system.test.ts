import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'mocha'
import type { LaunchPlan } from '../../../src/linux/plan.ts'
import { writeNetworkNames, writeResolverConfig } from '../../../src/network/names/files.ts'
import { chooseResolverPort, resolverRules } from '../../../src/network/names/rules.ts'
import { readTried } from '../../../src/network/names/tried.ts'
import type { NetFilter } from '../../../src/network/names/types.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { isAlive, type ProcessIdentity } from '../../../src/util/process-identity.ts'
import { eventually } from '../../support/native.ts'
import { needsRoot } from '../../support/needs-root.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { enter, NFT, responderOf } from './room.ts'

const USER = 12_345

describe('a responder of an ordinary user', () => {
  before(function () {
    needsRoot(this) // to become somebody else
  })

  it('answers, and opens the way, in the network of a user namespace', async () => {
    const filter: NetFilter = { allow: [{ kind: 'name', pattern: 'web' }], deny: [] }
    const { container, supervisor, resolver, end } = await startAs(USER, filter)
    try {
      const inside = enter(container.pid)
      assert.deepEqual(await inside({ do: 'resolve', name: 'web', type: 'A' }), { found: ['10.9.0.2'] })
      assert.deepEqual(await inside({ do: 'resolve', name: 'db', type: 'A' }), { error: 'ENOTFOUND' })
      const { output } = await inside({ do: 'run', argv: [NFT, 'list', 'set', 'inet', 'coracle', 'hosts4'] })
      assert.match(output as string, /10\.9\.0\.2/)
      const written = () => statSync(join(resolver, 'tried'), { throwIfNoEntry: false })?.size ?? 0
      await eventually('the refused name is written down', () => written() > 0)
      assert.equal((await readTried(resolver))[0]?.kind, 'name')
      const status = readFileSync(`/proc/${responderOf(supervisor.pid)}/status`, 'utf8')
      assert.match(status, new RegExp(`^Uid:\\s${USER}\\s${USER}\\s`, 'm'))
      assert.match(status, /^CapEff:\s0+$/m)
      assert.match(status, /^Seccomp:\s2$/m)
    } finally {
      await end()
    }
  })
})

async function startAs(uid: number, filter: NetFilter) {
  const directory = await scratchDirectory('coracle-rootless-')
  const path = (name: string) => join(directory, name)
  for (const name of ['run', 'state', 'names', 'resolver']) mkdirSync(path(name))
  const port = chooseResolverPort()
  writeNetworkNames(path('names'), 'net1', [
    { ipv4: '10.9.0.2', names: ['web'] },
    { ipv4: '10.9.0.3', names: ['db'] },
  ])
  writeResolverConfig(path('resolver'), { networks: ['net1'], upstreams: [], internal: true, filter })
  const ids = [{ inside: 0, outside: uid, size: 1 }]
  const plan: LaunchPlan = {
    namespaces: ['user', 'network'],
    before: [],
    after: [
      { do: 'map-ids', uids: ids, gids: ids, helpers: false },
      { do: 'net-rules', nft: NFT, text: resolverRules(port, filter) },
      { do: 'resolver', directory: path('resolver'), port, names: path('names'), filter: true },
    ],
    child: [
      { do: 'session', terminal: false },
      { do: 'exec', file: '/bin/sleep', argv: ['sleep', '1000'], env: [] },
    ],
  }
  const more = { runDirectory: path('run'), stateDirectory: path('state'), openStdin: false, stdinOnce: false }
  writeFileSync(path('options'), JSON.stringify({ plan, ...more }))
  for (const name of ['', ...readdirSync(directory)]) chownSync(path(name), uid, uid)
  chmodSync(directory, 0o755)
  const words = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath]
  const command = spawn('setpriv', [...words, join(packageRoot, 'test/support/cli-child.ts'), path('options')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await Promise.race([once(command.stdout, 'data'), once(command, 'exit')])) as [Buffer | number]
  assert(line instanceof Buffer, `nothing was started: ${line}`)
  const { container, supervisor } = JSON.parse(line.toString()) as Record<'container' | 'supervisor', ProcessIdentity>
  const end = async () => {
    process.kill(container.pid, 'SIGKILL')
    await eventually('all ends', () => !isAlive(container) && !isAlive(supervisor))
  }
  return { container, supervisor, resolver: path('resolver'), end }
}
