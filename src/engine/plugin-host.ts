/** What the engine does for single-file commands. */
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ImageNotFound } from '../images/errors.ts'
import type { PluginHost, RunSetting } from '../plugins/run.ts'
import type { RunParameters } from '../plugins/run-parameters.ts'
import { randomHex } from '../util/random.ts'
import type { Engine } from './engine.ts'
import { listedContainer, listedImage } from './plugin-documents.ts'

export function pluginHost(engine: Engine): PluginHost {
  const { images, containers } = engine
  return {
    calls: {
      'images.list': async (options) => (await images.list(options)).map(listedImage),
      'images.inspect': (name) => images.inspect(name),
      'images.pull': async (name) => void (await images.pull(name)),
      'images.remove': async (name) => void (await images.remove(name)),
      'containers.list': async (options) => (await containers.list(options)).map(listedContainer),
      'containers.inspect': (name) => containers.inspect(name),
      'containers.stop': (name) => containers.stop(name),
      'containers.remove': (name) => containers.remove(name),
    },
    run: (parameters, setting) => runForPlugin(engine, parameters, setting),
  }
}

/** As much as a plugin itself may have (`native/enclose.c`); a container must not be the way around that. */
const MEMORY = '2g'
const PROCESSES = '512'
const PAUSE_MS = 100

/**
 * Whatever would give a container more than a plugin has cannot be said by it at all: mounts, devices, capabilities, namespaces
 * of the host. Without a network of its own it gets none here either, nor are names resolved and images pulled for it, since a
 * name can tell others what the plugin has read.
 */
async function runForPlugin(
  { images, containers }: Engine,
  parameters: RunParameters,
  setting: RunSetting,
): Promise<number> {
  const { image, args, input, env, entrypoint, user, workdir } = parameters
  const { plugin, network, stdout, stderr, signal } = setting
  if (network) await obtain(images, image, signal)
  const name = `${plugin}-${randomHex(6)}`
  const flags = {
    name,
    label: [`coracle.plugin=${plugin}`],
    env,
    entrypoint,
    user,
    workdir,
    rm: true,
    quiet: true,
    pull: 'never',
    interactive: input !== undefined,
    'sig-proxy': false,
    'log-driver': 'none',
    'security-opt': ['no-new-privileges'],
    memory: MEMORY,
    'pids-limit': PROCESSES,
    ...(!network && { network: ['none'] }),
  }
  signal.throwIfAborted()
  const stdin = Readable.from(input === undefined ? [] : [input])
  const ended = containers.run({ image, command: args, flags }, { stdin, stdout, stderr })
  const removed = new AbortController()
  const removing = removeOnAbort(name, { containers, signal, until: removed.signal })
  try {
    return await ended
  } finally {
    removed.abort()
    await removing
  }
}

async function obtain(images: Engine['images'], image: string, signal: AbortSignal): Promise<void> {
  try {
    await images.inspect(image)
  } catch (error) {
    if (!(error instanceof ImageNotFound)) throw error
    await images.pull(image, { signal })
  }
}

interface Removing extends Pick<Engine, 'containers'> {
  readonly signal: AbortSignal
  readonly until: AbortSignal
}

/** The plugin may be gone before its container is there: so again, until its run is over. */
async function removeOnAbort(name: string, { containers, signal, until }: Removing): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const each of [signal, until]) each.addEventListener('abort', () => resolve(), { once: true })
  await promise
  while (!until.aborted) {
    await containers.remove(name, { force: true, volumes: true }).catch(() => {}) // not there yet, or going
    await sleep(PAUSE_MS, undefined, { signal: until }).catch(() => {})
  }
}
