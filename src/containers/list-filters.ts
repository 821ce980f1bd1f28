/** docker's `--filter key=value` of `ps`. Values of one key are alternatives, different keys must all hold; labels must all. */
import { InvalidArgument } from '../errors.ts'
import { helperMode } from '../network/helpers/choose.ts'
import { parseExpose } from '../network/ports/parse.ts'
import { combineTests, hasLabel, splitFilter, type Test } from '../util/filters.ts'
import type { ContainerRecord } from './records.ts'
import { summaryStatus } from './status.ts'

/** What some filters have to look up. */
export interface FilterContext {
  /** @throws {ContainerNotFound} */
  readonly findContainer: (name: string) => Promise<ContainerRecord>
  /** Of a network by name, id or start of an id; as it is when there is none. */
  readonly networkName: (name: string) => string
  /** Ids of the images of containers whose lowest layers are those of this image; none when there is no such image. */
  readonly isBuiltOn: (image: string) => Promise<ReadonlySet<string>>
}

export interface ListFilter {
  /** The filter itself says that stopped ones are wanted. */
  readonly all: boolean
  readonly matches: (record: ContainerRecord) => boolean
}

type RecordTest = Test<ContainerRecord>
type MakeTest = (value: string, context: FilterContext) => RecordTest | Promise<RecordTest>

const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']
const HEALTH = ['starting', 'healthy', 'unhealthy', 'none']

const TESTS: Readonly<Record<string, MakeTest>> = {
  id:
    (value) =>
    ({ id }) =>
      id.startsWith(value) || matchText(value, id),
  name:
    (value) =>
    ({ name }) =>
      matchText(value, name) || matchText(value, `/${name}`),
  label: (value) => (record) => hasLabel(record.settings.config.Labels, value),
  exited: (value) => {
    if (!/^-?\d+$/.test(value)) throw invalid('exited', value)
    return ({ state, exitStatus }) => state === 'exited' && exitStatus === Number(value)
  },
  status: (value) => {
    if (!STATUSES.includes(value)) throw invalid('status', value)
    return (record) => summaryStatus(record.state) === value
  },
  health: (value) => {
    if (!HEALTH.includes(value)) throw invalid('health', value)
    return ({ health }) => (health?.Status ?? 'none') === value
  },
  ancestor,
  before: async (value, { findContainer }) => {
    const { createdAtMs, id } = await findContainer(value)
    return (record) => record.createdAtMs <= createdAtMs && record.id !== id
  },
  since: async (value, { findContainer }) => {
    const { createdAtMs, id } = await findContainer(value)
    return (record) => record.createdAtMs >= createdAtMs && record.id !== id
  },
  volume:
    (value) =>
    ({ settings: { host } }) =>
      host.Mounts.some(({ Source, Target }) => Source === value || Target === value),
  network: (value, { networkName }) => {
    const name = networkName(value)
    return ({ settings: { host } }) =>
      (helperMode(host.NetworkMode)?.name ?? host.NetworkMode) === name ||
      (host.Networks ?? []).some(({ Name }) => Name === name)
  },
  publish: async (value) => {
    const wanted = parseExpose(value)
    const { wantedPorts } = await import('./networks/publish.ts')
    return ({ settings }) =>
      wantedPorts(settings).some(({ containerPort, protocol }) => wanted.includes(`${containerPort}/${protocol}`))
  },
  expose: (value) => {
    const wanted = parseExpose(value)
    return ({ settings: { config } }) => Object.keys(config.ExposedPorts ?? {}).some((key) => wanted.includes(key))
  },
  'is-task': (value) => () => value === 'false' || value === '0',
}

/** @throws {InvalidArgument} in docker's words */
export async function parseListFilters(filters: readonly string[], context: FilterContext): Promise<ListFilter> {
  const tests = await Promise.all(
    filters.map(async (filter) => {
      const { key, value } = splitFilter(filter, Object.keys(TESTS))
      return { key, test: (await TESTS[key]?.(value, context)) ?? (() => false) }
    }),
  )
  return { all: tests.some(({ key }) => key === 'status'), matches: combineTests(tests) }
}

/** Of this image, or of one that is built on it. Without the image, of one that was called so. */
async function ancestor(value: string, { isBuiltOn }: FilterContext): Promise<RecordTest> {
  const descendants = await isBuiltOn(value)
  return ({ image, imageName }) => imageName === value || (image !== undefined && descendants.has(image))
}

/** Go's regular expressions, as far as names need them; one that cannot be compiled matches as text. */
function matchText(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return text.includes(pattern)
  }
}

function invalid(key: string, value: string): InvalidArgument {
  return new InvalidArgument(`invalid filter '${key}=${value}'`)
}
