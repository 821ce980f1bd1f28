/** Starts what tells a plugin's log driver of a container, before there is anything to tell. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { InvalidArgument } from '../../errors.ts'
import { callBack } from '../../linux/call-back.ts'
import { PluginFailed } from '../../plugins/npm/errors.ts'
import type { LogConfig } from '../config.ts'
import { OWN_LOG_DRIVERS } from '../parse/logging.ts'
import type { ContainerRecord } from '../records.ts'
import type { ContainerRoom } from '../room.ts'
import { logPath } from './path.ts'

const isOwn = ({ Type }: LogConfig): boolean => OWN_LOG_DRIVERS.includes(Type)

/** @throws {InvalidArgument} no plugin brings the driver */
export async function requireLogDriver({ paths }: ContainerRoom, config: LogConfig): Promise<void> {
  if (isOwn(config)) return
  const { driverNames, hasDriver } = await import('../../plugins/npm/drivers.ts')
  if (hasDriver(paths, 'logDrivers', config.Type)) return
  const names = [...OWN_LOG_DRIVERS, ...driverNames(paths, 'logDrivers')]
  throw new InvalidArgument(`logger: no log driver named '${config.Type}' is registered`, {
    hint: `drivers: ${names.join(', ')}`,
  })
}

/** @throws {PluginFailed} the driver refuses the container: nothing runs then */
export async function startForwarder(
  { paths }: ContainerRoom,
  container: Pick<ContainerRecord, 'id' | 'settings'>,
): Promise<void> {
  const { LogConfig } = container.settings.host
  const path = logPath(paths, container)
  if (isOwn(LogConfig) || path === undefined) return
  closeSync(openSync(path, 'a', 0o640)) // there is something to read as soon as there is a line in it
  const { argv, env } = callBack(paths, ['log-driver', container.id])
  const [program = '', ...words] = argv
  const child = spawn(program, words, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  })
  const word = await firstLine(child.stdout)
  child.stdout.destroy()
  child.unref()
  if (word === 'ready') return
  throw new PluginFailed(`the log driver ${LogConfig.Type}`, word === '' ? 'its process ended without a word' : word)
}

const MAX_LINE_LENGTH = 2000

async function firstLine(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.includes('\n') || text.length > MAX_LINE_LENGTH) break
  }
  return (text.split('\n')[0] ?? '').slice(0, MAX_LINE_LENGTH)
}
