import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Coracle, openCoracle } from '../support/coracle.ts'
import { debianTar, SERVERS } from '../support/debian.ts'
import { needsRoot } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const DEBIAN = 'debian:python'

/** Answers `pong` on two ports, by both protocols and both versions of IP. */
const SERVER = `import socket, threading
def tcp(port):
    server = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        client, _ = server.accept()
        client.sendall(b"pong")
        client.close()
def udp(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("", port))
    while True:
        server.sendto(b"pong", server.recvfrom(100)[1])
for port in (80, 81):
    threading.Thread(target=tcp, args=(port,)).start()
    threading.Thread(target=udp, args=(port,)).start()
`

/** What comes of each attempt: `pong`, `unknown` for a name that nobody knows, `refused`, or `nothing` after long waiting. */
const ATTEMPTS = `import errno, socket, sys
REFUSED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPERM, errno.EACCES, errno.ECONNRESET)
def attempt(what):
    protocol, target = what.split("/", 1)
    try:
        if protocol == "packet":
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            return "made"
        if protocol == "raw":
            socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
            return "made"
        host, port = target.rsplit(":", 1)
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), 0, kind)[0]
        with socket.socket(family, kind) as client:
            client.settimeout(10)
            client.connect(address)
            if protocol == "udp":
                client.send(b"ping")
            return client.recv(100).decode()
    except socket.gaierror:
        return "unknown"
    except TimeoutError:
        return "nothing"
    except OSError as error:
        return "refused" if error.errno in REFUSED else str(error)
for what in sys.argv[1:]:
    print(what, attempt(what))
`

let coracle: Coracle
let scripts: string

const addressOf = (name: string) =>
  coracle.output('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name)

/** What comes of these attempts in a container of its own. */
function attempts(flags: readonly string[], targets: readonly string[]): Record<string, string> {
  const mount = ['-v', `${scripts}:/scripts:ro`]
  const program = ['python3', '/scripts/attempts.py', ...targets]
  const lines = coracle.output('run', '--rm', '--network', 'shop', ...mount, ...flags, DEBIAN, ...program).split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const [what = '', result = ''] = line.split(' ')
      return [what, result]
    }),
  )
}

describe('--allow-net', function () {
  this.timeout(240_000)

  before(async function () {
    needsRoot(this)
    coracle = openCoracle()
    scripts = join(coracle.directory, 'scripts')
    mkdirSync(scripts)
    writeFileSync(join(scripts, 'server.py'), SERVER)
    writeFileSync(join(scripts, 'attempts.py'), ATTEMPTS)
    coracle.output('import', debianTar(SERVERS), DEBIAN)
    coracle.output('network', 'create', '--ipv6', 'shop')
    for (const name of ['web', 'db'])
      coracle.output(
        ...['run', '-d', '--name', name, '--network', 'shop', '-v', `${scripts}:/scripts:ro`],
        ...[DEBIAN, 'python3', '/scripts/server.py'],
      )
    await until('both serve', () => {
      const results = attempts([], ['tcp/web:80', 'udp/web:81', 'tcp/db:80', 'udp/db:81'])
      return Object.values(results).every((result) => result === 'pong')
    })
  })
  after(() => coracle?.close())

  it('opens what is named, by name and port, and refuses everything else at once', () => {
    const [web, db] = [addressOf('web'), addressOf('db')]
    assert.deepEqual(
      attempts(
        ['--allow-net', 'web:80'],
        ['tcp/web:80', 'udp/web:80', 'tcp/web:81', 'tcp/db:80', `tcp/${db}:80`, `udp/${db}:80`, `tcp/${web}:81`],
      ),
      {
        'tcp/web:80': 'pong',
        'udp/web:80': 'pong',
        'tcp/web:81': 'refused',
        'tcp/db:80': 'unknown',
        [`tcp/${db}:80`]: 'refused',
        [`udp/${db}:80`]: 'refused',
        [`tcp/${web}:81`]: 'refused',
      },
    )
  })

  it('opens blocks of addresses, single protocols, and what is not denied', () => {
    const [web, db] = [addressOf('web'), addressOf('db')]
    assert.deepEqual(
      attempts(['--allow-net', `${web}/32:80/tcp`], [`tcp/${web}:80`, `udp/${web}:80`, `tcp/${db}:80`]),
      {
        [`tcp/${web}:80`]: 'pong',
        [`udp/${web}:80`]: 'refused',
        [`tcp/${db}:80`]: 'refused',
      },
    )
    assert.deepEqual(attempts(['--deny-net', `db,${db}`], ['tcp/web:81', 'tcp/db:80', `tcp/${db}:80`]), {
      'tcp/web:81': 'pong',
      'tcp/db:80': 'unknown',
      [`tcp/${db}:80`]: 'refused',
    })
  })

  it('cannot be got around by other resolvers, IP version 6, raw packets, or an address before it was asked for', () => {
    const [{ IPAM }] = JSON.parse(coracle.output('network', 'inspect', 'shop'))
    const [four, six] = (IPAM.Config as { Gateway: string }[]).map(({ Gateway }) => Gateway)
    const webSix = coracle.output(
      ...['inspect', '--format', '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}', 'web'],
    )
    const tried = [
      `udp/${four}:53`,
      `tcp/${four}:53`,
      `udp/[${six}]:53`,
      `tcp/[${webSix}]:81`,
      `tcp/${addressOf('web')}:80`,
    ]
    assert.deepEqual(
      attempts(['--allow-net', 'web:80'], [...tried, 'packet/', 'raw/']),
      Object.fromEntries([...tried, 'packet/', 'raw/'].map((what) => [what, 'refused'])),
    )
  })

  it('holds on networks that a container is connected to later, also when it began on none', () => {
    for (const network of ['none', 'bridge']) {
      const name = `late-${network}`
      coracle.output(
        ...['run', '-d', '--name', name, '--network', network, '-v', `${scripts}:/scripts:ro`, '--allow-net', 'web:80'],
        ...[DEBIAN, 'python3', '-c', 'import time; time.sleep(1000)'],
      )
      coracle.output('network', 'connect', 'shop', name)
      const tried = ['tcp/web:80', 'tcp/web:81', 'tcp/db:80', `tcp/${addressOf('db')}:80`]
      const told = coracle.output('exec', name, 'python3', '/scripts/attempts.py', ...tried).split('\n')
      assert.deepEqual(
        told,
        ['pong', 'refused', 'unknown', 'refused'].map((result, index) => `${tried[index]} ${result}`),
      )
      coracle.output('rm', '-f', name)
    }
  })

  it('tells what was tried with logs --net', () => {
    coracle.output(
      ...['run', '--name', 'curious', '--network', 'shop', '-v', `${scripts}:/scripts:ro`, '--allow-net', 'web'],
      ...[DEBIAN, 'python3', '/scripts/attempts.py', 'tcp/web:80', 'tcp/evil.example:80', 'tcp/192.0.2.1:443'],
    )
    const told = coracle.output('logs', '--net', 'curious')
    assert.match(told, /^\S+Z name evil\.example$/m)
    assert.match(told, /^\S+Z connect 192\.0\.2\.1:443\/tcp$/m)
    assert.doesNotMatch(told, /web/)
    assert.equal(coracle.output('inspect', '--format', '{{json .HostConfig.AllowNet}}', 'curious'), '["web"]')
  })

  it('is refused together with what could undo it', () => {
    for (const flags of [
      ['--privileged'],
      ['--cap-add', 'NET_ADMIN'],
      ['--cap-add', 'ALL'],
      ['--network', 'host'],
      ['--network', 'container:web'],
    ]) {
      const { status, stderr } = coracle.run(['run', '--rm', '--allow-net', 'web', ...flags, DEBIAN, 'true'])
      assert.equal(status, 125, flags.join(' '))
      assert.match(stderr, /conflicting options: --allow-net and /)
    }
    const { status, stderr } = coracle.run(['run', '--rm', '--allow-net', 'web:http', DEBIAN, 'true'])
    assert.equal(status, 125)
    assert.match(stderr, /invalid network rule "web:http"/)
  })
})
