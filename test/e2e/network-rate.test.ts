import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Coracle, IMAGE, openCoracle } from '../support/coracle.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

let coracle: Coracle
/** Links of other tests that run at the same time. */
let others: readonly string[] = []

const output = (...args: string[]) => coracle.output(...args)
/** 16 megabits: two seconds' worth at `8mbit`, but for what a burst lets through. */
const SIZE_KB = 2_000
const LEAST_MS = 1_500
const SERVE = `dd if=/dev/zero of=/file bs=1000 count=${SIZE_KB} 2>/dev/null; exec httpd -f -p 80 -h /`
const serve = (name: string, ...flags: string[]) =>
  output('run', '-d', '--name', name, ...flags, IMAGE, 'sh', '-c', SERVE)
const addressOf = (name: string, network = 'bridge') =>
  output('inspect', '--format', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name)

/** How long the file takes from one to the other, in milliseconds. */
async function transferMs(from: string, to: string, network?: string): Promise<number> {
  const url = `http://${addressOf(from, network)}/`
  await until(
    'the server listens',
    () => coracle.run(['exec', to, 'wget', '-q', '-O', '/dev/null', `${url}etc/hosts`]).status === 0,
  )
  const startMs = performance.now()
  assert.equal(output('exec', to, 'sh', '-c', `wget -q -O - ${url}file | wc -c`), String(SIZE_KB * 1_000))
  return performance.now() - startMs
}

type Transfer = Parameters<typeof transferMs>

async function limited(...transfer: Transfer): Promise<void> {
  const ms = await transferMs(...transfer)
  assert.ok(ms >= LEAST_MS, `${ms} ms are too few`)
}

/** A busy machine may be slow now and then, a limit is always. */
async function unlimited(...transfer: Transfer): Promise<void> {
  const tried: number[] = []
  while (tried.length < 5) {
    tried.push(await transferMs(...transfer))
    if (tried.some((ms) => ms < LEAST_MS)) return
  }
  assert.fail(`${tried} ms are too many`)
}

const shapers = () =>
  (spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' }).stdout.match(/ci-[0-9a-f]{10}/g) ?? []).filter(
    (name) => !others.includes(name),
  )

describe('network rates', function () {
  this.timeout(120_000)

  before(function () {
    needsRoot(this)
    coracle = openCoracle()
    others = shapers()
  })
  afterEach(() => {
    coracle.clear()
    assert.deepEqual(shapers(), [])
  })
  after(() => coracle?.close())

  it('limit what a container sends and what it receives, and survive a restart', async () => {
    serve('slow', '--network-rate', '8mbit')
    serve('quick')
    serve('other')
    await unlimited('quick', 'other')
    await limited('slow', 'quick')
    await limited('quick', 'slow')
    output('restart', '-t', '0', 'slow')
    await limited('slow', 'quick')
    await limited('quick', 'slow')
  })

  it('may hold in one direction only', async () => {
    serve('slow', '--network-rate', 'egress=8mbit')
    serve('quick')
    await limited('slow', 'quick')
    await unlimited('quick', 'slow')
  })

  it('hold on networks that a running container is connected to, and change at once', async () => {
    output('network', 'create', 'second')
    serve('slow', '--network-rate', '8mbit')
    serve('quick', '--network', 'second')
    output('network', 'connect', 'second', 'slow')
    await limited('slow', 'quick', 'second')
    output('update', '--network-rate', 'egress=none,ingress=8mbit', 'slow')
    await unlimited('slow', 'quick', 'second')
    await limited('quick', 'slow', 'second')
    output('update', '--network-rate', 'none', 'slow')
    await unlimited('quick', 'slow', 'second')
    output('update', '--network-rate', '8mbit', 'quick')
    await limited('slow', 'quick', 'second')
    assert.equal(shapers().length, 1)
  })

  it('leave nothing when the supervisor of a container is killed, or a limit is too late for a network', async () => {
    const id = serve('slow', '--network-rate', '8mbit')
    assert.equal(shapers().length, 1)
    const pid = output('inspect', '--format', '{{.State.Pid}}', id)
    process.kill(Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGKILL')
    await until('the container is known to be dead', () => coracle.run(['ps', '-q']).stdout === '')
    assert.deepEqual(shapers(), [])
    serve('quick')
    output('update', '--network-rate', '8mbit', 'quick')
    assert.equal(shapers().length, 1)
    output('network', 'disconnect', 'bridge', 'quick')
    assert.deepEqual(shapers(), [])
  })

  it('are shown, and told as a command', () => {
    const id = output('create', '--network-rate', '10mbit', IMAGE, 'true')
    const shown = () => output('container', 'inspect', '--format', '{{json .HostConfig.NetworkRate}}', id)
    assert.deepEqual(JSON.parse(shown()), { EgressBits: 10_000_000, IngressBits: 10_000_000 })
    assert.match(output('inspect', '--as-command', id), /--network-rate=10mbit /)
    output('update', '--network-rate', 'ingress=1gbit', id)
    assert.match(output('inspect', '--as-command', id), /--network-rate=egress=none,ingress=1gbit /)
    output('update', '--network-rate', '0', id)
    assert.doesNotMatch(output('inspect', '--as-command', id), /network-rate/)
    output('update', '--memory', '64m', id)
  })

  it('are refused where a container has no link of its own, and where they mean nothing', () => {
    const main = output('create', IMAGE, 'true')
    for (const mode of ['none', 'host', `container:${main}`]) {
      const { status, stderr } = coracle.run(['create', '--network', mode, '--network-rate', '1mbit', IMAGE, 'true'])
      assert.equal(status, 125)
      assert.match(stderr, /no link of its own to limit/)
    }
    const alone = output('create', '--network', 'none', IMAGE, 'true')
    assert.match(coracle.run(['update', '--network-rate', '1mbit', alone]).stderr, /no link of its own to limit/)
    assert.match(coracle.run(['run', '--network-rate', 'fast', IMAGE, 'true']).stderr, /invalid network rate: "fast"/)
  })
})
