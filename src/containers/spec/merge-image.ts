/** What the user asked for over what the image says (image-spec, config.md), by docker's rules. */
import { InvalidArgument } from '../../errors.ts'
import type { ImageProcessConfig } from '../../oci/descriptor.ts'
import type { ContainerConfig } from '../config.ts'
import { mergeEnvironment } from '../parse/environment.ts'

/** An entrypoint of the user's own drops the image's arguments too; `Volumes` of the image are added. */
export function mergeImage(config: ContainerConfig, image: ImageProcessConfig = {}): ContainerConfig {
  const ownEntrypoint = config.Entrypoint !== null
  const stopSignal = config.StopSignal ?? image.StopSignal
  const Healthcheck = mergeHealth(config.Healthcheck, image.Healthcheck)
  return {
    ...config,
    User: config.User === '' ? (image.User ?? '') : config.User,
    Env: mergeEnvironment(wellFormed(image.Env ?? []), config.Env),
    Entrypoint: ownEntrypoint ? config.Entrypoint : [...(image.Entrypoint ?? [])],
    Cmd: config.Cmd ?? (ownEntrypoint ? null : [...(image.Cmd ?? [])]),
    WorkingDir: absolute(config.WorkingDir === '' ? (image.WorkingDir ?? '') : config.WorkingDir),
    Labels: { ...(image.Labels ?? {}), ...config.Labels },
    Volumes: { ...(image.Volumes ?? {}), ...(config.Volumes ?? {}) },
    ...exposed({ ...(image.ExposedPorts ?? {}), ...(config.ExposedPorts ?? {}) }),
    ...(stopSignal !== undefined && stopSignal !== '' && { StopSignal: stopSignal }),
    ...(Healthcheck !== undefined && { Healthcheck }),
    ...(image.Shell && image.Shell.length > 0 && { Shell: [...image.Shell] }),
  }
}

function exposed(ExposedPorts: Record<string, object>): Pick<ContainerConfig, 'ExposedPorts'> {
  return Object.keys(ExposedPorts).length === 0 ? {} : { ExposedPorts }
}

/** What the user did not say is the image's; a zero means the same as nothing. */
function mergeHealth(
  own: ContainerConfig['Healthcheck'],
  image: ImageProcessConfig['Healthcheck'],
): ContainerConfig['Healthcheck'] {
  if (own === undefined && image === undefined) return undefined
  const test = own?.Test?.length ? own.Test : image?.Test
  const time = (name: 'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval' | 'Retries') => {
    const value = own?.[name] || image?.[name]
    return value ? { [name]: value } : {}
  }
  return {
    ...(test !== undefined && { Test: [...test] }),
    ...time('Interval'),
    ...time('Timeout'),
    ...time('StartPeriod'),
    ...time('StartInterval'),
    ...time('Retries'),
  }
}

/** The program and its arguments. @throws {InvalidArgument} there is none */
export function commandLine(config: ContainerConfig): readonly string[] {
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (argv.length === 0 || argv[0] === '')
    throw new InvalidArgument('no command specified', { hint: 'the image names no program: give one behind the image' })
  return argv
}

/** An image's environment is untrusted: entries without a name or with a NUL would not survive exec. */
function wellFormed(entries: readonly string[]): readonly string[] {
  return entries.filter((entry) => /^[^=\0]+=[^\0]*$/s.test(entry))
}

function absolute(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`
}
