/** `inspect --as-command`: settings back into the words of a `run` that makes them. */
import { ImageNotFound } from '../../images/errors.ts'
import { parsePublish } from '../../network/ports/parse.ts'
import type { ImageProcessConfig } from '../../oci/descriptor.ts'
import { shellLine } from '../../ui/text.ts'
import type { ContainerConfig, HealthConfig } from '../config.ts'
import { findContainer } from '../find.ts'
import type { ContainerRecord, StoredSettings } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { type Flag, flag, list, pairs, switched } from './flags.ts'
import { hostFlags } from './host-flags.ts'

/** See `ContainerEngine.asCommand`. What equals the image's defaults is left out. */
export async function containerAsCommand(room: ContainerRoom, name: string): Promise<readonly string[]> {
  const record = await findContainer(room, name)
  return commandWords(record, await imageDefaults(room, record))
}

/** None for a bare module, and for an image that was removed by force. */
async function imageDefaults(
  { images }: ContainerRoom,
  { image, settings: { platform } }: ContainerRecord,
): Promise<ImageProcessConfig> {
  if (image === undefined) return {}
  try {
    return (await images.inspect(image, platform === '' ? undefined : platform)).Config
  } catch (error) {
    if (error instanceof ImageNotFound) return {}
    throw error
  }
}

/** `run FLAGS IMAGE ARGUMENTS`, in the order of docker's documentation: who it is, what it runs, what it may. */
export function commandWords(
  { name, imageName, settings }: Pick<ContainerRecord, 'name' | 'imageName' | 'settings'>,
  image: ImageProcessConfig,
): readonly string[] {
  const { config, host, platform } = settings
  const program = programWords(settings, image)
  return [
    'run',
    ...flag('name', name),
    ...flag('platform', platform),
    ...streamFlags(config),
    ...program.flags,
    ...identityFlags(settings, image),
    ...healthFlags(config.Healthcheck, image),
    ...hostFlags(host),
    imageName,
    ...program.words,
  ]
}

function streamFlags(config: ContainerConfig): Flag[] {
  const { AttachStdin, AttachStdout, AttachStderr, OpenStdin, Tty } = config
  const attached = [
    ...(AttachStdin ? ['stdin'] : []),
    ...(AttachStdout ? ['stdout'] : []),
    ...(AttachStderr ? ['stderr'] : []),
  ]
  const usual = OpenStdin ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr']
  const detached = attached.length === 0
  return [
    ...switched('detach', detached),
    ...switched('interactive', OpenStdin),
    ...switched('tty', Tty),
    ...(detached || same(attached, usual) ? [] : list('attach', attached)),
  ]
}

/** An entry point of its own drops the image's arguments, so those it has are its own too. */
function programWords({ config, argv }: StoredSettings, image: ImageProcessConfig): { flags: Flag[]; words: string[] } {
  const entrypoint = config.Entrypoint ?? []
  if (!same(entrypoint, image.Entrypoint ?? [])) {
    const [program = ''] = entrypoint
    return { flags: flag('entrypoint', program, 'always'), words: [...argv.slice(program === '' ? 0 : 1)] }
  }
  const own = !same(config.Cmd ?? [], image.Cmd ?? [])
  return { flags: [], words: own ? [...(config.Cmd ?? [])] : [] }
}

function identityFlags(settings: StoredSettings, image: ImageProcessConfig): Flag[] {
  const { config } = settings
  const known = new Set(image.Env ?? [])
  const labels = image.Labels ?? {}
  return [
    ...flag('hostname', config.Hostname),
    ...flag('domainname', config.Domainname),
    ...(config.User === (image.User ?? '') ? [] : flag('user', config.User)),
    ...(config.WorkingDir === (image.WorkingDir ?? '') ? [] : flag('workdir', config.WorkingDir)),
    ...list(
      'env',
      config.Env.filter((entry) => !known.has(entry)),
    ),
    ...pairs(
      'label',
      Object.fromEntries(Object.entries(config.Labels).filter(([key, value]) => labels[key] !== value)),
    ),
    ...flag('mac-address', config.MacAddress),
    ...(config.StopSignal === image.StopSignal ? [] : flag('stop-signal', config.StopSignal)),
    ...flag('stop-timeout', config.StopTimeout?.toString()),
    ...list('expose', exposedBeside(settings, image)),
  ]
}

/** Neither by the image nor by being published. */
function exposedBeside({ config, host }: StoredSettings, image: ImageProcessConfig): readonly string[] {
  const published = (host.Publish ?? []).flatMap(parsePublish)
  const known = new Set([
    ...Object.keys(image.ExposedPorts ?? {}),
    ...published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ])
  return Object.keys(config.ExposedPorts ?? {}).filter((key) => !known.has(key))
}

function healthFlags(check: HealthConfig | undefined, { Healthcheck: known }: ImageProcessConfig): Flag[] {
  if (check === undefined) return []
  const test = check.Test ?? []
  const own = !same(test, known?.Test ?? [])
  const [kind, ...words] = test
  if (own && kind === 'NONE') return switched('no-healthcheck', true)
  const duration = (name: string, value: number | undefined, usual: number | undefined) =>
    value === undefined || value === 0 || value === usual ? [] : flag(name, `${value}ns`)
  return [
    ...(own ? flag('health-cmd', kind === 'CMD' ? shellLine(words) : words.join(' ')) : []),
    ...duration('health-interval', check.Interval, known?.Interval),
    ...duration('health-timeout', check.Timeout, known?.Timeout),
    ...duration('health-start-period', check.StartPeriod, known?.StartPeriod),
    ...duration('health-start-interval', check.StartInterval, known?.StartInterval),
    ...(check.Retries && check.Retries !== known?.Retries ? flag('health-retries', String(check.Retries)) : []),
  ]
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index])
}
