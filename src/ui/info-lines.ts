/** `info` in docker's layout. */
import { binarySize } from './units.ts'

type Info = Readonly<Record<string, unknown>>

interface Backend {
  readonly Name: string
  readonly Works: boolean
  readonly Reason: string
}

export function infoLines(info: Info): readonly string[] {
  const text = (name: string) => String(info[name] ?? '')
  const details = (info['DriverStatus'] ?? []) as readonly (readonly [string, string])[]
  const plugins = (info['Plugins'] ?? {}) as Readonly<Record<string, readonly string[]>>
  return [
    'Client: Coracle',
    ` Version:    ${text('ServerVersion')}`,
    '',
    'Server: in the same process, no daemon',
    ` Containers: ${text('Containers')}`,
    `  Running: ${text('ContainersRunning')}`,
    `  Paused: ${text('ContainersPaused')}`,
    `  Stopped: ${text('ContainersStopped')}`,
    ` Images: ${text('Images')}`,
    ` Server Version: ${text('ServerVersion')}`,
    ` Storage Driver: ${text('Driver')}`,
    ...details.map(([name, value]) => `  ${name}: ${value}`),
    ` Logging Driver: ${text('LoggingDriver')}`,
    ` Cgroup Driver: ${text('CgroupDriver')}`,
    ` Cgroup Version: ${text('CgroupVersion')}`,
    ' Plugins:',
    ...Object.entries(plugins).map(([name, values]) => `  ${name}: ${values.join(' ')}`),
    ' Backends:',
    ...((info['Backends'] ?? []) as readonly Backend[]).map(
      ({ Name, Works, Reason }) => `  ${Name}: ${Works ? 'works' : Reason}`,
    ),
    ` Runtimes: ${Object.keys((info['Runtimes'] ?? {}) as object).join(' ')}`,
    ` Default Runtime: ${text('DefaultRuntime')}`,
    ' Security Options:',
    ...((info['SecurityOptions'] ?? []) as readonly string[]).flatMap(securityLines),
    ` Kernel Version: ${text('KernelVersion')}`,
    ` Operating System: ${text('OperatingSystem')}`,
    ` OSType: ${text('OSType')}`,
    ` Architecture: ${text('Architecture')}`,
    ` CPUs: ${text('NCPU')}`,
    ` Total Memory: ${binarySize(Number(info['MemTotal'] ?? 0))}`,
    ` Name: ${text('Name')}`,
    ` ID: ${text('ID')}`,
    ` Docker Root Dir: ${text('DockerRootDir')}`,
    ` Run Dir: ${text('RunDir')}`,
    ' Live Restore Enabled: true',
  ]
}

/** `name=seccomp,profile=builtin`: the name, and below it what else there is to say. */
function securityLines(option: string): readonly string[] {
  const [name = '', ...rest] = option.split(',').map((pair) => pair.split('='))
  const title = (word = '') => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
  return [`  ${name[1] ?? ''}`, ...rest.map(([key, value]) => `   ${title(key)}: ${value}`)]
}
