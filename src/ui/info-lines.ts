/** `info` in docker's layout. */
import { binarySize } from './units.ts'

type Info = Readonly<Record<string, unknown>>

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
    ` Runtimes: ${Object.keys((info['Runtimes'] ?? {}) as object).join(' ')}`,
    ` Default Runtime: ${text('DefaultRuntime')}`,
    ' Security Options:',
    ...((info['SecurityOptions'] ?? []) as readonly string[]).map((option) => `  ${option.replace(/^name=/, '')}`),
    ` Kernel Version: ${text('KernelVersion')}`,
    ` Operating System: ${text('OperatingSystem')}`,
    ` OSType: ${text('OSType')}`,
    ` Architecture: ${text('Architecture')}`,
    ` CPUs: ${text('NCPU')}`,
    ` Total Memory: ${binarySize(Number(info['MemTotal'] ?? 0))}`,
    ` Name: ${text('Name')}`,
    ` Docker Root Dir: ${text('DockerRootDir')}`,
    ` Run Dir: ${text('RunDir')}`,
    ' Live Restore Enabled: true',
  ]
}
