import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { parseTraffic } from '../../src/containers/stats.ts'
import type { StatsSample } from '../../src/containers/types.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import { dfDocument, dfRows, dfSections, type UsageDetails } from '../../src/ui/df-rows.ts'
import { eventDocument, eventLine } from '../../src/ui/event-line.ts'
import { infoLines } from '../../src/ui/info-lines.ts'
import { openRepainter } from '../../src/ui/repaint.ts'
import { statsRow } from '../../src/ui/stats-rows.ts'
import { binarySize } from '../../src/ui/units.ts'

const sample = (atMs: number, cpuNs: number): StatsSample => ({
  id: 'a'.repeat(64),
  name: 'web',
  atMs,
  cpus: 4,
  network: { receivedBytes: 1500, sentBytes: 0 },
  usage: {
    cpuNs,
    systemCpuNs: 0,
    memoryBytes: 3 << 20,
    memoryLimitBytes: 64 << 20,
    memoryCacheBytes: 0,
    pids: 3,
    pidsLimit: 0,
    blockReadBytes: 4096,
    blockWriteBytes: 0,
  },
})

describe('a row of stats', () => {
  it('has docker’s fields; one CPU fully used is 100 %', () => {
    const row = statsRow(
      { called: 'web', id: 'a'.repeat(64), name: 'web', sample: sample(3000, 2e9), before: sample(1000, 0) },
      false,
    )
    assert.deepEqual(row, {
      Container: 'web',
      ID: 'a'.repeat(12),
      Name: 'web',
      CPUPerc: '100.00%',
      MemUsage: '3MiB / 64MiB',
      MemPerc: '4.69%',
      NetIO: '1.5kB / 0B',
      BlockIO: '4.1kB / 0B',
      PIDs: '3',
    })
  })

  it('shows nothing used by what does not run, and no CPU at the first look', () => {
    const input = { called: 'web', id: 'b', name: 'web', before: undefined }
    assert.equal(statsRow({ ...input, sample: undefined }, true)['MemUsage'], '0B / 0B')
    assert.equal(statsRow({ ...input, sample: sample(1, 1) }, true)['CPUPerc'], '0.00%')
  })

  it('counts no memory that only holds files which nobody uses', () => {
    const plain = sample(1, 1)
    const cached = { ...plain, usage: { ...plain.usage, memoryCacheBytes: 1 << 20 } }
    const row = statsRow({ called: 'web', id: 'b', name: 'web', before: undefined, sample: cached }, true)
    assert.equal(row['MemUsage'], '2MiB / 64MiB')
  })

  it('counts the traffic of all devices but loopback', () => {
    const text =
      'Inter-|  Receive\n face |bytes\n    lo: 10 1 0 0 0 0 0 0 10 1\n  eth0: 500 1 0 0 0 0 0 0 70 1\n  eth1:5 1 0 0 0 0 0 0 7 1\n'
    assert.deepEqual(parseTraffic(text), { receivedBytes: 505, sentBytes: 77 })
  })
})

describe('sizes of memory', () => {
  for (const [bytes, text] of [
    [0, '0B'],
    [1023, '1023B'],
    [1536, '1.5KiB'],
    [2_327_000, '2.219MiB'],
    [5 * 1024 ** 4, '5TiB'],
  ] as const)
    it(`are ${text} for ${bytes} bytes`, () => {
      assert.equal(binarySize(bytes), text)
    })
})

describe('an event', () => {
  const event = {
    type: 'container',
    action: 'die',
    id: 'abc',
    attributes: { name: 'web', exitCode: '1', image: 'busybox' },
    timeNs: 1_700_000_000_000_000_007n,
  }

  it('is a line as docker prints it', () => {
    const line = eventLine(event)
    assert.match(
      line,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000007(?:Z|[+-]\d\d:\d\d) container die abc \(exitCode=1, image=busybox, name=web\)$/,
    )
    assert.equal(Date.parse(line.split(' ')[0] ?? ''), 1_700_000_000_000)
    assert.match(eventLine({ ...event, attributes: {} }), / container die abc$/)
  })

  it('stays one line whatever its labels hold', () => {
    const line = eventLine({ ...event, attributes: { name: 'web', team: 'x)\n2026-01-01 container die\r' } })
    assert(line.endsWith('(name=web, team=x)\\n2026-01-01 container die\\r)'), line)
    assert(!/[\r\n]/.test(line))
  })

  it('is the document of the Engine API', () => {
    assert.deepEqual(eventDocument(event), {
      status: 'die',
      id: 'abc',
      from: 'busybox',
      Type: 'container',
      Action: 'die',
      Actor: { ID: 'abc', Attributes: event.attributes },
      scope: 'local',
      time: 1_700_000_000,
      timeNano: Number(event.timeNs),
    })
  })
})

describe('system df', () => {
  it('says how much could be freed', () => {
    assert.deepEqual(dfRows([{ type: 'Images', total: 2, active: 1, sizeBytes: 1000, reclaimableBytes: 250 }]), [
      { Type: 'Images', TotalCount: '2', Active: '1', Size: '1kB', Reclaimable: '250B (25%)' },
    ])
  })

  it('lists everything with -v', () => {
    const text = dfSections(DETAILS, 86_400_000).join('\n')
    assert.match(text, /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS$/m)
    assert.match(text, /^app +1 +cccccccccccc +24 hours ago +3kB +1kB +2kB +1$/m)
    assert.match(text, /^CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES$/m)
    assert.match(text, /^aaaaaaaaaaaa +app:1 +"sleep 1000" +1 +7B +24 hours ago +Up 24 hours +web$/m)
    assert.match(text, /^VOLUME NAME +LINKS +SIZE\naaaaaaaaaaaa-0 +1 +500B$/m)
    assert.match(text, /^CACHE ID +CACHE TYPE +SIZE +CREATED +LAST USED +USAGE +SHARED$/m)
  })

  it('is one document of docker’s fields with -v --format', () => {
    const { Images, Containers, Volumes, BuildCache } = dfDocument(DETAILS, { full: true, nowMs: 86_400_000 })
    assert.deepEqual(
      [Images[0]?.['UniqueSize'], Containers[0]?.['Names'], Volumes[0]?.['Mountpoint'], BuildCache],
      ['2kB', 'web', '/v/0', []],
    )
  })
})

const DETAILS: UsageDetails = {
  images: [
    {
      id: parseDigest(`sha256:${'c'.repeat(64)}`),
      tags: ['docker.io/library/app:1'],
      digests: [],
      createdAtMs: 1,
      sizeBytes: 3000,
      labels: {},
      platform: { os: 'linux', architecture: 'amd64' },
      containers: 1,
      sharedBytes: 1000,
      paidBytes: 3000,
      freeableBytes: 0,
    },
  ],
  containers: [
    {
      id: 'a'.repeat(64),
      name: 'web',
      imageName: 'app:1',
      image: `sha256:${'c'.repeat(64)}`,
      backend: 'linux',
      command: 'sleep 1000',
      state: 'running',
      createdAtMs: 1,
      startedAtMs: 1,
      finishedAtMs: undefined,
      exitStatus: undefined,
      health: undefined,
      labels: {},
      mounts: [],
      networkMode: 'none',
      size: { writableBytes: 7, virtualBytes: 3007 },
    },
  ],
  volumes: [{ name: 'aaaaaaaaaaaa-0', driver: 'local', containers: ['a'.repeat(64)], path: '/v/0', sizeBytes: 500 }],
  cache: [],
}

describe('system info', () => {
  const lines = infoLines({
    Backends: [
      { Name: 'linux', Works: true, Reason: '' },
      { Name: 'oci:runc', Works: false, Reason: 'not installed' },
    ],
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
    MemTotal: 2 ** 31,
  }).join('\n')

  it('says of each backend whether it works here, and why not', () => {
    assert.match(lines, /^ Backends:\n {2}linux: works\n {2}oci:runc: not installed$/m)
  })

  it('has docker’s layout', () => {
    assert.match(lines, /^ Security Options:\n {2}seccomp\n {3}Profile: builtin\n {2}cgroupns$/m)
    assert.match(lines, /^ Total Memory: 2GiB$/m)
  })
})

describe('a repainted view', () => {
  it('draws over itself, never more than the window holds, and gives the cursor back', () => {
    const written: string[] = []
    const painter = openRepainter({ rows: 3, write: (text) => written.push(text) })
    painter.paint(['a', 'b', 'c', 'd'])
    painter.close()
    painter.close()
    assert.deepEqual(written, ['\u001b[?25l\u001b[2J', '\u001b[Ha\u001b[K\nb\u001b[K\n\u001b[J', '\u001b[?25h'])
  })

  it('draws everything in a window of unknown height', () => {
    const written: string[] = []
    const painter = openRepainter({ rows: 0, write: (text) => written.push(text) })
    painter.paint(['a', 'b'])
    painter.close()
    assert.equal(written[1], '\u001b[Ha\u001b[K\nb\u001b[K\n\u001b[J')
  })
})
